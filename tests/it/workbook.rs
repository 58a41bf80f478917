//! Workbooks made by hand, good ones and ones that no spreadsheet would write.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// The parts of a workbook of one sheet, with the texts its cells share. Style 1 is a date.
pub fn parts(sheet: Vec<u8>, texts: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let relation = |id: u32, kind: &str, target: &str| {
        format!("<Relationship Id=\"r{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |all: String| {
        format!("<Relationships xmlns=\"{RELATIONS}\">{all}</Relationships>").into_bytes()
    };
    vec![
        ("_rels/.rels", relations(relation(1, "officeDocument", "xl/workbook.xml"))),
        (
            "xl/workbook.xml",
            format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"One\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>").into_bytes(),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relations(
                relation(1, "worksheet", "worksheets/sheet1.xml")
                    + &relation(2, "sharedStrings", "sharedStrings.xml")
                    + &relation(3, "styles", "styles.xml"),
            ),
        ),
        (
            "xl/styles.xml",
            format!("<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>").into_bytes(),
        ),
        ("xl/sharedStrings.xml", texts),
        ("xl/worksheets/sheet1.xml", sheet),
    ]
}

/// A sheet with these `<row>` elements.
pub fn sheet(rows: &str) -> Vec<u8> {
    format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>").into_bytes()
}

/// The texts that cells share.
pub fn texts<'a>(all: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let all: String = all
        .into_iter()
        .map(|text| format!("<si><t xml:space=\"preserve\">{}</t></si>", escaped(text)))
        .collect();
    format!("<sst xmlns=\"{MAIN}\">{all}</sst>").into_bytes()
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The letters of a column, counted from 0.
pub fn letters(mut column: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.insert(0, char::from(b'A' + u8::try_from(column % 26).unwrap()));
        if column < 26 {
            return letters.into_iter().collect();
        }
        column = column / 26 - 1;
    }
}

/// A ZIP file of these parts, compressed.
pub fn zipped(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    zipped_as(parts, |size| size)
}

/// The same, with another size claimed for each part.
pub fn zipped_as(parts: &[(&str, Vec<u8>)], claimed: impl Fn(u32) -> u32) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in parts {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(content).unwrap();
        let packed = packer.finish().unwrap();
        let size = |length: usize| u32::try_from(length).unwrap();
        let offset = size(file.len());
        let common = [
            &[20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0][..],
            &crc.sum().to_le_bytes(),
            &size(packed.len()).to_le_bytes(),
            &claimed(size(content.len())).to_le_bytes(),
            &u16::try_from(name.len()).unwrap().to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        file.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &packed].concat());
        let entry = [b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &offset.to_le_bytes()];
        directory.extend([&entry.concat(), name.as_bytes()].concat());
    }
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    let offset = u32::try_from(file.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    file.extend(directory);
    file.extend([b"PK\x05\x06", &[0; 4][..], &count, &count, &size, &offset, &[0, 0]].concat());
    file
}
