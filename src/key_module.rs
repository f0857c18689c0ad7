//! Private keys that never leave a device: a module by PKCS#11 (OASIS, version 3.0: Edwards curves), such as an HSM or SoftHSM.

use crate::credential::keys::{Signer, SigningFault};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// `id-Ed25519` of RFC 8410 as it stands in `CKA_EC_PARAMS`: 1.3.101.112. Older modules know only the curve's name.
const CURVES: [&[u8]; 2] = [&[0x06, 0x03, 0x2b, 0x65, 0x70], b"\x13\x0cedwards25519"];

/// Why the module did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the PKCS#11 module: {0}")]
pub struct ModuleFault(String);

impl From<cryptoki::error::Error> for ModuleFault {
    fn from(error: cryptoki::error::Error) -> Self {
        ModuleFault(error.to_string())
    }
}

/// A token in a module, logged in.
pub struct KeyModule {
    slot: Slot,
    /// Sessions that nobody is using: each signs one thing at a time.
    idle: Mutex<Vec<Session>>,
    /// Holds the login, which is the token's.
    login: Mutex<Session>,
    pin: String,
    context: Pkcs11,
}

fn log_in(context: &Pkcs11, slot: Slot, pin: &str) -> Result<Session, ModuleFault> {
    let session = context.open_rw_session(slot)?;
    match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
        // The login is the token's, and another session may still hold it.
        Ok(()) | Err(cryptoki::error::Error::Pkcs11(cryptoki::error::RvError::UserAlreadyLoggedIn, _)) => Ok(session),
        Err(error) => Err(error.into()),
    }
}

impl fmt::Debug for KeyModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyModule({})", self.slot)
    }
}

impl KeyModule {
    /// Loads a module and logs into the token with this label. It stays until the process ends.
    ///
    /// # Errors
    /// The module cannot be loaded, there is no such token, or the PIN is wrong.
    pub fn open(library: &Path, label: &str, pin: &str) -> Result<Arc<Self>, ModuleFault> {
        let context = Pkcs11::new(library)?;
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        let mut found = None;
        for slot in context.get_slots_with_initialized_token()? {
            if context.get_token_info(slot)?.label().trim() == label {
                found = Some(slot);
            }
        }
        let slot = found.ok_or_else(|| ModuleFault(format!("no token with the label {label:?}")))?;
        let login = log_in(&context, slot, pin)?;
        let module = Arc::new(KeyModule { slot, idle: Mutex::default(), login: Mutex::new(login), pin: pin.to_owned(), context });
        // The last thread that holds it may outlive `main`, when the module's own destructors have run; closing a session then is a crash.
        std::mem::forget(Arc::clone(&module));
        Ok(module)
    }

    /// Logs in anew, after the device was away.
    fn renew(&self) -> Result<(), ModuleFault> {
        let mut login = self.login.lock().unwrap_or_else(PoisonError::into_inner);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *login = log_in(&self.context, self.slot, &self.pin)?;
        Ok(())
    }

    /// Makes a key under a label; its public half.
    ///
    /// # Errors
    /// The module refuses, or has no Edwards curves.
    pub fn generate(&self, label: &str) -> Result<[u8; 32], ModuleFault> {
        let session = self.login.lock().unwrap_or_else(PoisonError::into_inner);
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Label(label.into()),
            Attribute::Id(label.into()),
        ];
        let mut made = Err(ModuleFault("no curve of the two names that are known".to_owned()));
        for curve in CURVES {
            let public = [Attribute::Token(true), Attribute::Verify(true), Attribute::EcParams(curve.to_vec()), Attribute::Label(label.into()), Attribute::Id(label.into())];
            made = session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &private).map_err(ModuleFault::from);
            if made.is_ok() {
                break;
            }
        }
        let (public, _) = made?;
        let point = session.get_attributes(public, &[AttributeType::EcPoint])?.into_iter().find_map(|attribute| if let Attribute::EcPoint(point) = attribute { Some(point) } else { None });
        // The point itself, or wrapped as a DER octet string.
        let bytes = point.as_deref().map(|point| point.strip_prefix(&[0x04, 0x20]).unwrap_or(point));
        bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| ModuleFault("a public key of 32 bytes expected".to_owned()))
    }

    /// A key that signs by the module.
    ///
    /// # Errors
    /// There is none with this label.
    pub fn signer(self: &Arc<Self>, label: &str) -> Result<Arc<dyn Signer>, ModuleFault> {
        let key = Mutex::new(self.find(label)?);
        Ok(Arc::new(ModuleKey { module: Arc::clone(self), label: label.to_owned(), key }))
    }

    fn find(&self, label: &str) -> Result<ObjectHandle, ModuleFault> {
        let session = self.login.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::KeyType(KeyType::EC_EDWARDS), Attribute::Id(label.into())];
        session.find_objects(&wanted)?.into_iter().next().ok_or_else(|| ModuleFault(format!("no private key with the label {label:?}")))
    }

    fn session(&self) -> Result<Session, ModuleFault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Ok(self.context.open_ro_session(self.slot)?), Ok)
    }
}

/// One key in a module.
struct ModuleKey {
    module: Arc<KeyModule>,
    label: String,
    key: Mutex<ObjectHandle>,
}

impl ModuleKey {
    fn try_sign(&self, message: &[u8]) -> Result<[u8; 64], ModuleFault> {
        let key = *self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let session = self.module.session()?;
        let signature = session.sign(&Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)), key, message)?;
        // A session that has failed is not used again.
        self.module.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        signature.try_into().map_err(|_| ModuleFault("a signature of 64 bytes expected".to_owned()))
    }

    /// Once more after logging in anew: the device may have been started again.
    fn sign_again(&self, message: &[u8]) -> Result<[u8; 64], ModuleFault> {
        self.module.renew()?;
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = self.module.find(&self.label)?;
        self.try_sign(message)
    }
}

impl Signer for ModuleKey {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFault> {
        self.try_sign(message).or_else(|_| self.sign_again(message)).map_err(|fault| SigningFault(fault.to_string()))
    }
}
