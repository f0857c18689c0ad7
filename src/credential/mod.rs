//! From a certificate to a document, to secured bytes, to a verdict. Pure: keys and time come in as values.
//!
//! Specifications: W3C Verifiable Credentials Data Model 2.0 (VCDM), Securing Verifiable Credentials using JOSE and COSE (JOSE),
//! 1EdTech Open Badges 3.0 (OB), Bitstring Status List v1.0 (BSL), did:web, RFC 7515, RFC 7517, RFC 7638, RFC 8037.

pub mod strict_json;
pub mod contexts;
pub mod linked_data;
mod shapes;
mod quads;
pub mod keys;
pub mod learner_record;
pub mod jws;
pub mod document;
pub mod conformance;
pub mod data_integrity;
pub mod status_list;
pub mod token_status;
pub mod sd_jwt;
pub mod form;
pub mod type_metadata;
pub mod badge;
pub mod badge_jwt;
pub mod jwt_claims;
pub mod baked;
pub mod packed;
pub mod paper_seal;
pub mod presented;
pub mod data_model;
pub mod vc_api;
pub mod holder;
pub mod identity;
pub mod receipt;
pub mod offline;
