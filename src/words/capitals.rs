//! Amounts as Chinese vouchers carry them.

use crate::kernel::Money;

/// An amount of yuan in capital numerals (人民币大写), as Chinese vouchers carry it.
pub fn capital_numerals(amount: Money) -> String {
    const DIGITS: [&str; 10] = ["零", "壹", "贰", "叁", "肆", "伍", "陆", "柒", "捌", "玖"];
    const PLACES: [&str; 4] = ["", "拾", "佰", "仟"];
    const SECTIONS: [&str; 5] = ["", "万", "亿", "万亿", "亿亿"];
    let fen = amount.0.unsigned_abs();
    let (yuan, jiao, rest) = (
        fen / 100,
        usize::try_from(fen / 10 % 10).unwrap_or(0),
        usize::try_from(fen % 10).unwrap_or(0),
    );
    let mut text = String::new();
    let sections: Vec<u64> = (0..5).map(|i| yuan / 10_000_u64.pow(i) % 10_000).collect();
    let mut gap = false;
    for (i, section) in sections.iter().enumerate().rev() {
        if *section == 0 {
            gap = gap || !text.is_empty();
            continue;
        }
        if gap || (!text.is_empty() && *section < 1_000) {
            text.push_str(DIGITS[0]);
        }
        gap = false;
        let mut zero = false;
        let mut begun = false;
        for place in (0..4).rev() {
            let digit = usize::try_from(section / 10_u64.pow(place) % 10).unwrap_or(0);
            if digit == 0 {
                zero = begun;
                continue;
            }
            if zero {
                text.push_str(DIGITS[0]);
            }
            (zero, begun) = (false, true);
            text.push_str(DIGITS[digit]);
            text.push_str(PLACES[usize::try_from(place).unwrap_or(0)]);
        }
        text.push_str(SECTIONS[i]);
    }
    if text.is_empty() && (fen == 0 || yuan > 0) {
        text.push_str(DIGITS[0]);
    }
    if !text.is_empty() {
        text.push('元');
    }
    match (jiao, rest) {
        (0, 0) => text.push('整'),
        (jiao, 0) => text.push_str(&format!("{}角整", DIGITS[jiao])),
        (0, rest) if yuan > 0 => text.push_str(&format!("零{}分", DIGITS[rest])),
        (0, rest) => text.push_str(&format!("{}分", DIGITS[rest])),
        (jiao, rest) => text.push_str(&format!("{}角{}分", DIGITS[jiao], DIGITS[rest])),
    }
    if amount < Money::ZERO { format!("负{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_capital_numerals() {
        for (fen, expected) in [
            (0, "零元整"),
            (100, "壹元整"),
            (5, "伍分"),
            (50, "伍角整"),
            (1_005, "壹拾元零伍分"),
            (10_000_000, "壹拾万元整"),
            (100_000_500, "壹佰万零伍元整"),
            (123_456_789, "壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分"),
            (100_000_000_100, "壹拾亿零壹元整"),
            (-200_000, "负贰仟元整"),
            (107_000, "壹仟零柒拾元整"),
        ] {
            assert_eq!(capital_numerals(Money(fen)), expected, "{fen}");
        }
    }
}
