//! Personal data: name, id number, phone and address, encrypted at rest and masked when shown (rule 10.3).

use std::io::Write as _;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key as CipherKey, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};

use crate::ambient;
use crate::db::Address;
use crate::kernel::digest::{hex, sha256};

/// The installation's key: one part encrypts, the other makes digests that nobody without it can make.
#[derive(Clone)]
pub struct Key {
    cipher: XChaCha20Poly1305,
    digests: [u8; 32],
}

/// Where a telephone number stands among the four values.
const PHONE: usize = 2;

impl Key {
    /// A key from a secret text of any length.
    pub fn of(secret: &str) -> Key {
        let bytes: Vec<u8> = unhex(&sha256(secret.as_bytes())).unwrap_or_default();
        let digests = Sha256::digest(format!("consign digests {secret}").as_bytes()).into();
        Key { cipher: XChaCha20Poly1305::new(CipherKey::from_slice(&bytes)), digests }
    }

    /// The key given by the environment, else the file beside an embedded database, created when missing and
    /// readable by its owner only.
    pub fn load(address: &Address, from_environment: Option<&str>) -> Result<Option<Key>, String> {
        if let Some(secret) = from_environment {
            return Ok(Some(Key::of(secret)));
        }
        let Address::Sqlite(path) = address else { return Ok(None) };
        let path = format!("{path}.key");
        let secret = match std::fs::read_to_string(&path) {
            Ok(secret) => secret,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(Path::new(&path))?,
            Err(error) => return Err(format!("cannot read the key file {path}: {error}")),
        };
        Ok(Some(Key::of(secret.trim())))
    }

    /// Encrypts the four values as one text.
    pub fn seal(&self, values: &[Option<String>; 4]) -> Result<String, String> {
        let nonce = ambient::random_bytes::<24>();
        let plain = serde_json::json!(values).to_string();
        let sealed = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), plain.as_bytes())
            .map_err(|error| error.to_string())?;
        Ok(format!("{}{}", hex(&nonce), hex(&sealed)))
    }

    /// Decrypts what [`Key::seal`] made.
    pub fn open(&self, sealed: &str) -> Option<[Option<String>; 4]> {
        let bytes = unhex(sealed)?;
        let (nonce, sealed) = bytes.split_at_checked(24)?;
        let plain = self.cipher.decrypt(XNonce::from_slice(nonce), sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// Refuses a key that is not the one a book's personal data is encrypted with: what came before could not be read
    /// any more, nor told from what comes now.
    pub fn check(&self, sealed: Option<&str>) -> Result<(), String> {
        if sealed.is_none_or(|sealed| self.open(sealed).is_some()) {
            return Ok(());
        }
        Err("the key does not open the personal data that this book has; set CONSIGN_KEY to the secret it was encrypted with \
             (with SQLite, keep the .key file beside the database); nothing was changed"
            .to_string())
    }

    /// Encrypts a telephone number alone.
    pub fn seal_number(&self, number: &str) -> Result<String, String> {
        let mut values = [const { None }; 4];
        values[PHONE] = Some(number.to_string());
        self.seal(&values)
    }

    /// Decrypts what [`Key::seal_number`] made.
    pub fn open_number(&self, sealed: &str) -> Option<String> {
        self.open(sealed)?[PHONE].take()
    }

    /// The keyed digest (HMAC-SHA256) by which equal values are found without being read; 128 bits are kept.
    pub fn digest(&self, value: &str) -> String {
        let padded = |pad: u8| {
            let mut block = [pad; 64];
            block.iter_mut().zip(&self.digests).for_each(|(byte, key)| *byte ^= key);
            block
        };
        let inner =
            Sha256::new().chain_update(padded(0x36)).chain_update(value.as_bytes()).finalize();
        let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
        hex(&outer[..16])
    }
}

/// A telephone number as it is compared: its digits, without the prefix of the country a mobile number may carry.
pub fn plain_number(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let international = number.trim_start().starts_with('+') || digits.starts_with("00");
    let national = digits
        .trim_start_matches('0')
        .strip_prefix("86")
        .filter(|rest| international || rest.len() == 11);
    national.map(str::to_string).unwrap_or(digits)
}

fn create(path: &Path) -> Result<String, String> {
    let secret = hex(&ambient::random_bytes::<32>());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(secret.as_bytes()));
    written
        .map(|()| secret)
        .map_err(|error| format!("cannot create the key file {}: {error}", path.display()))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

/// A name masked: 张*.
pub fn mask_name(name: &str) -> String {
    let mut chars = name.chars();
    chars
        .next()
        .map_or(String::new(), |first| format!("{first}{}", "*".repeat(chars.count().min(8))))
}

/// A number masked: 138****1234.
pub fn mask_number(number: &str) -> String {
    let chars: Vec<char> = number.chars().collect();
    if chars.len() < 8 {
        return "*".repeat(chars.len());
    }
    let (head, tail): (String, String) =
        (chars[..3].iter().collect(), chars[chars.len() - 4..].iter().collect());
    format!("{head}****{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        let values = [Some("张三".to_string()), None, Some("13812341234".to_string()), None];
        let sealed = Key::of("a secret").seal(&values).unwrap();
        assert_eq!(Key::of("a secret").open(&sealed), Some(values));
        assert_eq!(Key::of("another").open(&sealed), None);
        let number = Key::of("a secret").seal_number("13812341234").unwrap();
        assert_eq!(Key::of("a secret").open_number(&number).as_deref(), Some("13812341234"));
        assert_eq!(mask_name("张三"), "张*");
        assert_eq!(mask_number("13812341234"), "138****1234");
    }

    #[test]
    fn a_number_has_one_digest_in_every_spelling_and_another_under_another_key() {
        let key = Key::of("a secret");
        for spelled in [
            "13812341234",
            "138 1234 1234",
            "138-1234-1234",
            "+86 13812341234",
            "8613812341234",
            "0086-138-1234-1234",
        ] {
            assert_eq!(key.digest(&plain_number(spelled)), key.digest("13812341234"), "{spelled}");
        }
        assert_ne!(key.digest("13812341234"), key.digest("13812341235"));
        assert_ne!(key.digest("13812341234"), Key::of("another").digest("13812341234"));
        assert_eq!(plain_number("021-6888 8888"), "02168888888");
    }
}
