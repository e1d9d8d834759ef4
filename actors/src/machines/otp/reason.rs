//! The Reasons of CM-S02 (document, section 2.3), and those of verification.

use serde::{Deserialize, Serialize};

/// What happened, as the partner reads it. The number is the wire format; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Reason {
    /// The invoker's code is wrong or unknown, or is not the caller's own.
    InvalidInvoker = 1,
    /// The contract type is wrong or unknown.
    InvalidContractType = 2,
    /// This invoker may not have this type of contract signed.
    NoPermissionToContract = 3,
    /// There is no such customer.
    CustomerNotFound = 4,
    /// The customer has no such contact, or it is deleted.
    ContactNotFound = 5,
    /// The contact is no mobile phone.
    InvalidPhoneType = 6,
    /// The contact is a mobile phone whose number is invalid.
    InvalidPhone = 7,
    /// The message could not be sent, or nobody knows whether it was.
    SendSmsFault = 8,
    /// A code was sent for the same inputs less than the window ago.
    InThresholdOtpGenerator = 9,
    /// No code was generated: a lock, a cap, or a fault of the generator.
    OtpGeneratorFault = 10,
    /// Done.
    Success = 11,
    /// An unforeseen error.
    Unknown = 12,
    /// Verification: no live code for these inputs.
    OtpNotFound = 20,
    /// Verification: the code's lifetime is over.
    OtpExpired = 21,
    /// Verification: not the code that was sent, or not what it was sent for.
    OtpMismatch = 22,
    /// Verification: too many wrong tries.
    OtpLocked = 23,
}

impl Reason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::InvalidInvoker,
        Self::InvalidContractType,
        Self::NoPermissionToContract,
        Self::CustomerNotFound,
        Self::ContactNotFound,
        Self::InvalidPhoneType,
        Self::InvalidPhone,
        Self::SendSmsFault,
        Self::InThresholdOtpGenerator,
        Self::OtpGeneratorFault,
        Self::Success,
        Self::Unknown,
        Self::OtpNotFound,
        Self::OtpExpired,
        Self::OtpMismatch,
        Self::OtpLocked,
    ];

    /// The number on the wire.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The name in the document's table; `ReasonMessage` on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidInvoker => "InvalidInvoker",
            Self::InvalidContractType => "InvalidContractType",
            Self::NoPermissionToContract => "NoPermissionToContract",
            Self::CustomerNotFound => "CustomerNotFound",
            Self::ContactNotFound => "ContactNotFound",
            Self::InvalidPhoneType => "InvalidPhoneType",
            Self::InvalidPhone => "InvalidPhone",
            Self::SendSmsFault => "SendSmsFault",
            Self::InThresholdOtpGenerator => "InThresholdOtpGenerator",
            Self::OtpGeneratorFault => "OtpGeneratorFault",
            Self::Success => "Success",
            Self::Unknown => "Unknown",
            Self::OtpNotFound => "OtpNotFound",
            Self::OtpExpired => "OtpExpired",
            Self::OtpMismatch => "OtpMismatch",
            Self::OtpLocked => "OtpLocked",
        }
    }

    /// The document's description, in Persian (1 to 12), and ours in its manner (20 to 23).
    pub fn description(self) -> &'static str {
        match self {
            Self::InvalidInvoker => "مقدار Invoker اشتباه است و یا در سیستم موجود نیست",
            Self::InvalidContractType => "نوع قرارداد نامعتبر است",
            Self::NoPermissionToContract => "سرویس فراخواننده مجاز به امضای این نوع قرارداد نیست",
            Self::CustomerNotFound => "مشتری موجود نیست",
            Self::ContactNotFound => "کد اطلاعات تماس معتبر نیست",
            Self::InvalidPhoneType => "نوع شماره تلفن معتبر نیست",
            Self::InvalidPhone => "شماره موبایل نامعتبر است",
            Self::SendSmsFault => "خطا در ارسال SMS",
            Self::InThresholdOtpGenerator => "قرارداشتن در بازه زمانی دو دقیقه از ارسال OTP",
            Self::OtpGeneratorFault => "خطا در سرویس تولید OTP",
            Self::Success => "اجرای موفق سرویس",
            Self::Unknown => "نامشخص (خطای سیستمی پیشبینی نشده)",
            Self::OtpNotFound => "رمز یک بار مصرف موجود نیست",
            Self::OtpExpired => "رمز یک بار مصرف منقضی شده است",
            Self::OtpMismatch => "رمز یک بار مصرف نادرست است",
            Self::OtpLocked => "رمز یک بار مصرف به دلیل تلاش‌های ناموفق قفل شده است",
        }
    }
}
