//! The languages the program speaks.

use std::borrow::Cow;

use super::spelled::Spelled;

/// The two languages of pages and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The language's code, as it is stored and as pages declare it. (Not an `enumeration!`: a language has a method for
    /// every word.)
    pub fn code(self) -> &'static str {
        match self {
            Lang::Zh => "zh",
            Lang::En => "en",
        }
    }

    /// The language that a browser or a form asks for: English unless it is Chinese of any kind.
    pub fn asked(code: &str) -> Lang {
        if code.starts_with("zh") { Lang::Zh } else { Lang::En }
    }
}

impl Spelled for Lang {
    const WHAT: &'static str = "language";
    const WORDS: &'static [&'static str] = &["zh", "en"];

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.code())
    }

    fn from_spelling(text: String) -> Result<Lang, String> {
        [Lang::Zh, Lang::En].into_iter().find(|lang| lang.code() == text).ok_or(text)
    }
}
