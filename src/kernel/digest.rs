//! Digests: SHA-256 as hexadecimal text, of several fields as the links of a chain have it, and of a set of rows in
//! whatever order they come.

use sha2::{Digest as _, Sha256};

/// SHA-256 of some bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Hashes bytes as they pass, for files read once.
#[derive(Default)]
pub struct Running(Sha256);

impl Running {
    /// Takes in some bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken in, in hexadecimal.
    pub fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

impl std::io::Write for Running {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How the hash of a link in a chain is made of its fields. A chain keeps with each link which it is, so that what was
/// written by an earlier version is proven as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chaining {
    /// 1: with bars between the fields.
    Barred,
    /// 2: each field with its length in bytes before it, so that no text can move from one field into the next.
    Measured,
}

impl Chaining {
    /// How new links are made.
    pub const CURRENT: Chaining = Chaining::Measured;

    /// The number it is stored as.
    pub fn version(self) -> i64 {
        match self {
            Chaining::Barred => 1,
            Chaining::Measured => 2,
        }
    }

    /// Reads a stored number.
    pub fn of_version(version: i64) -> Option<Chaining> {
        [Chaining::Barred, Chaining::Measured].into_iter().find(|one| one.version() == version)
    }

    /// The hash of a link with these fields, the hash before it among them.
    pub fn hash(self, fields: &[&str]) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        match self {
            Chaining::Barred => text = fields.join("|"),
            Chaining::Measured => {
                text.push('2');
                for field in fields {
                    let _never_fails = write!(text, "|{}:{field}", field.len());
                }
            }
        }
        sha256(text.as_bytes())
    }
}

/// The digest of a multiset of rows: the sum of their SHA-256 values, so that the order in which rows were
/// written or are read back does not matter, and any changed, missing or added row changes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsDigest([u64; 4], u64);

impl RowsDigest {
    /// Adds one row, given as its canonical text.
    pub fn add(&mut self, canonical: &str) {
        let hash = Sha256::digest(canonical.as_bytes());
        for (lane, chunk) in self.0.iter_mut().zip(hash.chunks_exact(8)) {
            let mut word = [0_u8; 8];
            word.copy_from_slice(chunk);
            *lane = lane.wrapping_add(u64::from_be_bytes(word));
        }
        self.1 += 1;
    }

    /// Rows counted so far.
    pub fn rows(&self) -> u64 {
        self.1
    }

    /// The digest as text: the row count and the sum in hexadecimal.
    pub fn text(&self) -> String {
        format!(
            "{}:{:016x}{:016x}{:016x}{:016x}",
            self.1, self.0[0], self.0[1], self.0[2], self.0[3]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_rows_does_not_matter_but_their_content_does() {
        let digest = |rows: &[&str]| {
            let mut digest = RowsDigest::default();
            rows.iter().for_each(|row| digest.add(row));
            digest.text()
        };
        assert_eq!(digest(&["a", "b"]), digest(&["b", "a"]));
        assert_ne!(digest(&["a", "b"]), digest(&["a", "c"]));
        assert_ne!(digest(&["a"]), digest(&["a", "a"]));
    }

    #[test]
    fn no_text_moves_from_one_field_of_a_link_into_the_next() {
        let (one, other) = (["a|b", "c"], ["a", "b|c"]);
        assert_eq!(Chaining::Barred.hash(&one), Chaining::Barred.hash(&other));
        assert_ne!(Chaining::CURRENT.hash(&one), Chaining::CURRENT.hash(&other));
        assert_ne!(Chaining::CURRENT.hash(&["1:b"]), Chaining::CURRENT.hash(&["", "b"]));
    }

    #[test]
    fn digests_never_change() {
        assert_eq!(
            sha256("consign 催收".as_bytes()),
            "6e748708cf98d2996e5d8fff62d01f0455f3ae26b068bee66ec795337b72b8ac"
        );
        let mut running = Running::default();
        running.update("consign ".as_bytes());
        running.update("催收".as_bytes());
        assert_eq!(running.finish(), sha256("consign 催收".as_bytes()));
        let fields = ["", "7", "张三", "a|1:b"];
        assert_eq!(Chaining::Barred.hash(&fields), sha256("|7|张三|a|1:b".as_bytes()));
        assert_eq!(Chaining::Measured.hash(&fields), sha256("2|0:|1:7|6:张三|5:a|1:b".as_bytes()));
        let mut rows = RowsDigest::default();
        ["a", "b", "张三|1|2"].iter().for_each(|row| rows.add(row));
        assert_eq!(
            rows.text(),
            "3:a45a74991d2a5f28eaaa9a3fd52b658b21dbda1f919572382558328a9a9bcc21"
        );
    }
}
