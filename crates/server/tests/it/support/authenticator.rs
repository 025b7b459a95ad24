//! An authenticator app and a passkey, made of software: real codes and real signatures.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use parlor_server::clock::{Clock, random_bytes};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The code that an app with this key shows, `steps` of 30 s from now.
pub fn totp(key: &str, clock: &Clock, steps: i64) -> String {
    let step = clock.now().as_seconds() / 30 + steps;
    let mut mac = <Hmac<Sha1> as Mac>::new_from_slice(&base32(key)).unwrap();
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// A code that is certainly wrong now.
pub fn wrong_totp(key: &str, clock: &Clock) -> String {
    let right: Vec<String> = (-2..=2).map(|steps| totp(key, clock, steps)).collect();
    let mut candidates = (0..).map(|n| format!("{n:06}"));
    candidates.find(|code| !right.contains(code)).unwrap()
}

fn base32(text: &str) -> Vec<u8> {
    let value = |c| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
    let bits: String = text.chars().map(|c| format!("{:05b}", value(c))).collect();
    let whole = bits.len() / 8 * 8;
    let bytes = bits[..whole].as_bytes().chunks(8);
    bytes
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;
const NEW_KEY: u8 = 64;

/// A passkey on a device that asks for a fingerprint.
#[derive(Clone)]
pub struct Passkey {
    key: SigningKey,
    id: [u8; 32],
    user_handle: String,
    /// Rises with each signature; a copy's stays behind.
    pub counter: u32,
    pub verifies: bool,
    pub origin: String,
}

impl Passkey {
    /// What `navigator.credentials.create` gives for these options: the passkey, and what is sent.
    pub fn create(options: &Value, origin: &str) -> (Self, Value) {
        let passkey = Self {
            key: SigningKey::from_slice(&random_bytes::<32>()).unwrap(),
            id: random_bytes(),
            user_handle: options["user"]["id"].as_str().unwrap().to_owned(),
            counter: 1,
            verifies: true,
            origin: origin.to_owned(),
        };
        let data = passkey.data(options["rp"]["id"].as_str().unwrap(), NEW_KEY);
        let attested = [data, vec![0; 16], vec![0, 32], passkey.id.to_vec(), passkey.cose()].concat();
        let length = u16::try_from(attested.len()).unwrap().to_be_bytes();
        let object = [
            b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".as_slice(),
            &length,
            &attested,
        ];
        let response = json!({
            "attestationObject": encode(&object.concat()),
            "clientDataJSON": encode(&passkey.client_data("webauthn.create", options)),
            "transports": ["internal"],
        });
        let credential = passkey.credential(response);
        (passkey, credential)
    }

    /// What a thief has who knows all of it but the private key.
    pub fn forged(&self) -> Self {
        Self {
            key: SigningKey::from_slice(&random_bytes::<32>()).unwrap(),
            ..self.clone()
        }
    }

    /// What `navigator.credentials.get` gives for these options.
    pub fn sign(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let data = self.data(options["rpId"].as_str().unwrap(), 0);
        let client = self.client_data("webauthn.get", options);
        let signed = [data.as_slice(), &Sha256::digest(&client)].concat();
        let signature: Signature = self.key.sign(&signed);
        self.credential(json!({
            "authenticatorData": encode(&data),
            "clientDataJSON": encode(&client),
            "signature": encode(signature.to_der().as_bytes()),
            "userHandle": self.user_handle,
        }))
    }

    fn credential(&self, response: Value) -> Value {
        let id = encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {} })
    }

    fn data(&self, rp_id: &str, flags: u8) -> Vec<u8> {
        let verified = if self.verifies { USER_VERIFIED } else { 0 };
        let flags = flags | USER_PRESENT | verified;
        [&Sha256::digest(rp_id)[..], &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data = json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    /// The public key in COSE: EC2, ES256, P-256.
    fn cose(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_encoded_point(false);
        let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20];
        let (x, y) = (point.x().unwrap(), point.y().unwrap());
        [&head[..], &x[..], &[0x22, 0x58, 0x20], &y[..]].concat()
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
