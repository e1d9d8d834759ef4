//! The object identifiers that Ukrainian signatures use, and their display.

use std::fmt;

/// The content octets of an OBJECT IDENTIFIER.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Oid<'a>(pub &'a [u8]);

impl fmt::Display for Oid<'_> {
    /// Dotted numbers; octets that are no identifier are shown as `?`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arcs = Vec::new();
        let mut arc = 0u64;
        for octet in self.0 {
            if arc >> 57 != 0 {
                return formatter.write_str("?");
            }
            arc = (arc << 7) | u64::from(octet & 0x7F);
            if octet & 0x80 == 0 {
                arcs.push(arc);
                arc = 0;
            }
        }
        let Some((first, rest)) = arcs.split_first() else {
            return formatter.write_str("?");
        };
        let root = (first / 40).min(2);
        write!(formatter, "{root}.{}", first - 40 * root)?;
        for arc in rest {
            write!(formatter, ".{arc}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// DSTU 4145 with GOST 34.311, polynomial basis, little-endian; also the key type. `1.2.804.2.1.1.1.1.3.1.1`.
pub const DSTU_4145_LE: Oid<'static> =
    Oid(&[0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x01, 0x01]);
/// The same, big-endian. `1.2.804.2.1.1.1.1.3.1.1.1.1`.
pub const DSTU_4145_BE: Oid<'static> = Oid(&[
    0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x01, 0x01, 0x01, 0x01,
]);
/// DSTU 4145 with Kupyna-256, polynomial basis, little-endian. `1.2.804.2.1.1.1.1.3.6.1.1`.
pub const DSTU_4145_KUPYNA_256: Oid<'static> = Oid(&[
    0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x06, 0x01, 0x01,
]);
/// DSTU 4145 with Kupyna-384. `1.2.804.2.1.1.1.1.3.6.2.1`.
pub const DSTU_4145_KUPYNA_384: Oid<'static> = Oid(&[
    0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x06, 0x02, 0x01,
]);
/// DSTU 4145 with Kupyna-512. `1.2.804.2.1.1.1.1.3.6.3.1`.
pub const DSTU_4145_KUPYNA_512: Oid<'static> = Oid(&[
    0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x06, 0x03, 0x01,
]);
/// The named curves: this prefix and one more arc, 0 to 9. `1.2.804.2.1.1.1.1.3.1.1.2`.
pub const CURVE_PREFIX: Oid<'static> = Oid(&[
    0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x01, 0x01, 0x02,
]);
/// The hash GOST 34.311-95. `1.2.804.2.1.1.1.1.2.1`.
pub const GOST_34311: Oid<'static> = Oid(&[0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x02, 0x01]);
/// The hash Kupyna-256. `1.2.804.2.1.1.1.1.2.2.1`.
pub const KUPYNA_256: Oid<'static> = Oid(&[0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x02, 0x02, 0x01]);
/// The hash Kupyna-384. `1.2.804.2.1.1.1.1.2.2.2`.
pub const KUPYNA_384: Oid<'static> = Oid(&[0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x02, 0x02, 0x02]);
/// The hash Kupyna-512. `1.2.804.2.1.1.1.1.2.2.3`.
pub const KUPYNA_512: Oid<'static> = Oid(&[0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x02, 0x02, 0x03]);
/// HMAC with GOST 34.311. `1.2.804.2.1.1.1.1.1.2`.
pub const HMAC_GOST_34311: Oid<'static> = Oid(&[0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x01, 0x02]);
/// GOST 28147 in CFB. `1.2.804.2.1.1.1.1.1.1.3`.
pub const GOST_28147_CFB: Oid<'static> =
    Oid(&[0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x03]);
/// SHA-1, in timestamps and old signing-certificate attributes. `1.3.14.3.2.26`.
pub const SHA_1: Oid<'static> = Oid(&[0x2B, 0x0E, 0x03, 0x02, 0x1A]);
/// SHA-256. `2.16.840.1.101.3.4.2.1`.
pub const SHA_256: Oid<'static> = Oid(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01]);
/// Company code, a subject directory attribute. `1.2.804.2.1.1.1.11.1.4.2.1`.
pub const EDRPOU: Oid<'static> = Oid(&[
    0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x0B, 0x01, 0x04, 0x02, 0x01,
]);
/// Taxpayer number, a subject directory attribute. `1.2.804.2.1.1.1.11.1.4.1.1`.
pub const DRFO: Oid<'static> = Oid(&[
    0x2A, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x0B, 0x01, 0x04, 0x01, 0x01,
]);
/// CMS: data. `1.2.840.113549.1.7.1`.
pub const DATA: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]);
/// CMS: signed data. `1.2.840.113549.1.7.2`.
pub const SIGNED_DATA: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]);
/// Attribute: content type. `1.2.840.113549.1.9.3`.
pub const CONTENT_TYPE: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x03]);
/// Attribute: message digest. `1.2.840.113549.1.9.4`.
pub const MESSAGE_DIGEST: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04]);
/// Attribute: signing time. `1.2.840.113549.1.9.5`.
pub const SIGNING_TIME: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x05]);
/// Attribute: signing certificate (SHA-1). `1.2.840.113549.1.9.16.2.12`.
pub const SIGNING_CERTIFICATE: Oid<'static> =
    Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x0C]);
/// Attribute: signing certificate, version 2. `1.2.840.113549.1.9.16.2.47`.
pub const SIGNING_CERTIFICATE_V2: Oid<'static> =
    Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x2F]);
/// Attribute: timestamp of the content. `1.2.840.113549.1.9.16.2.20`.
pub const CONTENT_TIMESTAMP: Oid<'static> =
    Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x14]);
/// Attribute: timestamp of the signature. `1.2.840.113549.1.9.16.2.14`.
pub const SIGNATURE_TIMESTAMP: Oid<'static> =
    Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x0E]);
/// PKCS #5: PBES2. `1.2.840.113549.1.5.13`.
pub const PBES2: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D]);
/// PKCS #5: PBKDF2. `1.2.840.113549.1.5.12`.
pub const PBKDF2: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C]);
/// PKCS #12: an encrypted key. `1.2.840.113549.1.12.10.1.2`.
pub const SHROUDED_KEY_BAG: Oid<'static> =
    Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01, 0x02]);
/// PKCS #12: a bare key. `1.2.840.113549.1.12.10.1.1`.
pub const KEY_BAG: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01, 0x01]);
/// PKCS #12: a certificate. `1.2.840.113549.1.12.10.1.3`.
pub const CERTIFICATE_BAG: Oid<'static> =
    Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01, 0x03]);
/// PKCS #12: the certificate is an X.509 one. `1.2.840.113549.1.9.22.1`.
pub const X509_CERTIFICATE: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x16, 0x01]);
/// CMS: encrypted data, in PKCS #12. `1.2.840.113549.1.7.6`.
pub const ENCRYPTED_DATA: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x06]);
/// PKCS #12: attribute that ties key and certificate. `1.2.840.113549.1.9.21`.
pub const LOCAL_KEY_ID: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x15]);
/// PKCS #12: the name of a key. `1.2.840.113549.1.9.20`.
pub const FRIENDLY_NAME: Oid<'static> = Oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x14]);
/// The container Key-6.dat. `1.3.6.1.4.1.19398.1.1.1.2`.
pub const IIT_KEY: Oid<'static> = Oid(&[
    0x2B, 0x06, 0x01, 0x04, 0x01, 0x81, 0x97, 0x46, 0x01, 0x01, 0x01, 0x02,
]);
/// The key protector of Java key stores. `1.3.6.1.4.1.42.2.17.1.1`.
pub const JKS_PROTECTOR: Oid<'static> = Oid(&[0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01]);
/// Name: common name. `2.5.4.3`.
pub const COMMON_NAME: Oid<'static> = Oid(&[0x55, 0x04, 0x03]);
/// Name: surname. `2.5.4.4`.
pub const SURNAME: Oid<'static> = Oid(&[0x55, 0x04, 0x04]);
/// Name: serial number (of the holder). `2.5.4.5`.
pub const SERIAL_NUMBER: Oid<'static> = Oid(&[0x55, 0x04, 0x05]);
/// Name: country. `2.5.4.6`.
pub const COUNTRY: Oid<'static> = Oid(&[0x55, 0x04, 0x06]);
/// Name: locality. `2.5.4.7`.
pub const LOCALITY: Oid<'static> = Oid(&[0x55, 0x04, 0x07]);
/// Name: organisation. `2.5.4.10`.
pub const ORGANIZATION: Oid<'static> = Oid(&[0x55, 0x04, 0x0A]);
/// Name: unit of the organisation. `2.5.4.11`.
pub const ORGANIZATIONAL_UNIT: Oid<'static> = Oid(&[0x55, 0x04, 0x0B]);
/// Name: title. `2.5.4.12`.
pub const TITLE: Oid<'static> = Oid(&[0x55, 0x04, 0x0C]);
/// Name: given name and patronymic. `2.5.4.42`.
pub const GIVEN_NAME: Oid<'static> = Oid(&[0x55, 0x04, 0x2A]);
/// Name: identifier of the organisation. `2.5.4.97`.
pub const ORGANIZATION_IDENTIFIER: Oid<'static> = Oid(&[0x55, 0x04, 0x61]);
/// Extension: subject directory attributes. `2.5.29.9`.
pub const SUBJECT_DIRECTORY_ATTRIBUTES: Oid<'static> = Oid(&[0x55, 0x1D, 0x09]);
/// Extension: subject key identifier. `2.5.29.14`.
pub const SUBJECT_KEY_ID: Oid<'static> = Oid(&[0x55, 0x1D, 0x0E]);
/// Extension: key usage. `2.5.29.15`.
pub const KEY_USAGE: Oid<'static> = Oid(&[0x55, 0x1D, 0x0F]);
/// Extension: basic constraints. `2.5.29.19`.
pub const BASIC_CONSTRAINTS: Oid<'static> = Oid(&[0x55, 0x1D, 0x13]);
/// Extension: authority key identifier. `2.5.29.35`.
pub const AUTHORITY_KEY_ID: Oid<'static> = Oid(&[0x55, 0x1D, 0x23]);
