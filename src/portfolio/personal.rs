//! Personal data: name, id number, phone and address, encrypted at rest and masked when shown (rule 10.3).

use std::io::Write as _;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::ambient;
use crate::db::Address;

/// The installation's key: one part encrypts, the other makes digests that nobody without it can make.
#[derive(Clone)]
pub struct Key {
    cipher: XChaCha20Poly1305,
    digests: Hmac<Sha256>,
}

/// Where a telephone number stands among the four values.
const PHONE: usize = 2;

impl Key {
    /// A key from a secret text of any length.
    pub fn of(secret: &str) -> Key {
        // HMAC fills a key that is shorter than its block of 64 bytes with zeros.
        let mut block = [0; 64];
        block[..32]
            .copy_from_slice(&Sha256::digest(format!("consign digests {secret}").as_bytes()));
        Key {
            cipher: XChaCha20Poly1305::new(&Sha256::digest(secret.as_bytes())),
            digests: Hmac::new(&block.into()),
        }
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
            .encrypt(&XNonce::from(nonce), plain.as_bytes())
            .map_err(|error| error.to_string())?;
        Ok(format!("{}{}", hex::encode(nonce), hex::encode(sealed)))
    }

    /// Decrypts what [`Key::seal`] made.
    pub fn open(&self, sealed: &str) -> Option<[Option<String>; 4]> {
        let bytes = hex::decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<24>()?;
        let plain = self.cipher.decrypt(&XNonce::from(*nonce), sealed).ok()?;
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

    /// Encrypts bytes that have a place of their own, such as a part of a file: moved elsewhere they do not open.
    pub fn seal_bytes(&self, place: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let nonce = ambient::random_bytes::<24>();
        let plain = Payload { msg: bytes, aad: place.as_bytes() };
        let sealed =
            self.cipher.encrypt(&XNonce::from(nonce), plain).map_err(|error| error.to_string())?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Key::seal_bytes`] made for the same place.
    pub fn open_bytes(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<24>()?;
        let sealed = Payload { msg: sealed, aad: place.as_bytes() };
        self.cipher.decrypt(&XNonce::from(*nonce), sealed).ok()
    }

    /// The keyed digest (HMAC-SHA256) by which equal values are found without being read; 128 bits are kept.
    pub fn digest(&self, value: &str) -> String {
        let digest = self.digests.clone().chain_update(value.as_bytes()).finalize().into_bytes();
        hex::encode(&digest[..16])
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
    let secret = hex::encode(ambient::random_bytes::<32>());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(secret.as_bytes()));
    written
        .map(|()| secret)
        .map_err(|error| format!("cannot create the key file {}: {error}", path.display()))
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
        let part = Key::of("a secret").seal_bytes("file 1", "张三".as_bytes()).unwrap();
        assert_eq!(Key::of("a secret").open_bytes("file 1", &part).unwrap(), "张三".as_bytes());
        assert_eq!(Key::of("a secret").open_bytes("file 2", &part), None, "moved elsewhere");
        assert_eq!(Key::of("another").open_bytes("file 1", &part), None);
        assert_eq!(mask_number("13812341234"), "138****1234");
    }

    #[test]
    fn what_the_first_version_sealed_and_digested_is_still_found() {
        let sealed = "000102030405060708090a0b0c0d0e0f1011121314151617d0150859425302eeef62962d7ef44024b1a8939a6955\
                      ea3662e1243eea98bb0c23af9e2a3650712d8a65c4db882947cd8f2b39b563326bbc0c5c9a36";
        let values = ["张三", "", "13812341234", "某路 1 号"];
        let values = values.map(|value| Some(value.to_string()).filter(|value| !value.is_empty()));
        assert_eq!(Key::of("a secret").open(sealed), Some(values));
        let digest = Key::of("a secret").digest("13812341234");
        assert_eq!(digest, "da2ab8ca84d09f7c5fdc9c1015a7c42d");
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
