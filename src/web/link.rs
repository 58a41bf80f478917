//! URLs: account numbers and names may contain any printable character.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but letters, digits and the four signs that stand for themselves anywhere in a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A URL being put together; empty values are left out, so that a filter that is off leaves no trace.
#[derive(Clone, Debug)]
pub struct Link {
    url: String,
    asked: bool,
}

impl Link {
    /// Begins with a path that is written as it is.
    pub fn to(path: &str) -> Link {
        Link { url: path.to_string(), asked: false }
    }

    /// Adds a segment of any characters.
    pub fn segment(mut self, text: &str) -> Link {
        self.url.push('/');
        self.url.extend(utf8_percent_encode(text, RESERVED));
        self
    }

    /// Adds an ending that is written as it is.
    pub fn then(mut self, text: &str) -> Link {
        self.url.push_str(text);
        self
    }

    /// Adds a value of the query, when there is one.
    pub fn with(mut self, name: &str, value: &str) -> Link {
        if !value.is_empty() {
            self.url.push(if self.asked { '&' } else { '?' });
            self.asked = true;
            self.url.push_str(name);
            self.url.push('=');
            self.url.extend(utf8_percent_encode(value, RESERVED));
        }
        self
    }

    /// The URL.
    pub fn url(self) -> String {
        self.url
    }
}

/// An account's page.
pub fn account(account_no: &str) -> String {
    Link::to("/accounts").segment(account_no).url()
}

/// A complaint's page.
pub fn case(reference: &str) -> String {
    Link::to("/complaints/case").segment(reference).url()
}

/// A statement's page.
pub fn statement(statement_no: &str) -> String {
    Link::to("/statements").segment(statement_no).url()
}

/// The page that explains a line.
pub fn line(statement_no: &str, line_no: i64) -> String {
    Link::to("/statements").segment(statement_no).then("/lines").segment(&line_no.to_string()).url()
}

/// A ledger account's page.
pub fn ledger_account(account: &str) -> String {
    Link::to("/ledger/accounts").segment(account).url()
}

/// Whether a text is a path of this site, so that coming back cannot lead elsewhere.
pub fn is_local(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && !path.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_character_travels_in_a_url() {
        assert_eq!(account("a/b ?#%&中"), "/accounts/a%2Fb%20%3F%23%25%26%E4%B8%AD");
        assert_eq!(
            Link::to("/x").with("a", "").with("b", "1").with("c", "2 3").url(),
            "/x?b=1&c=2%203"
        );
        assert!(
            is_local("/accounts?x=1")
                && !is_local("//evil")
                && !is_local("/\\evil")
                && !is_local("https://evil")
        );
    }
}
