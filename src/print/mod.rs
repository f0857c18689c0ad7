//! What is printed: certificates, verification receipts and the worker's history as PDF/A-3a, and what such files carry.
//!
//! Values in, bytes out. Nothing here reads a clock, a file or the database, decides anything or signs; the same input gives the same
//! bytes on every machine, so nothing is computed whose last digit depends on the processor (sines come from `ornament`).
//! A character that cannot be printed is an error and never an empty box.
//!
//! Reading order: `fonts`, `text` (lines), `sheet` (pages and their structure), `ornament` (frame, seal, QR code), `fields`,
//! `portrait`, `certificate`, `seal`, `objects` and `reader` (PDF files of strangers), `attachments`; for
//! many pages `flow`, `signs` (outcomes as shapes), `receipt`, `record`.
//!
//! Follows ISO 19005-3 (PDF/A-3, level a: tagged), ISO 32000-1 (PDF 1.7).

pub mod attachments;
pub mod certificate;
pub mod fields;
pub mod fonts;
mod flow;
mod objects;
mod ornament;
pub mod portrait;
mod reader;
pub mod receipt;
pub mod record;
pub mod seal;
mod sheet;
pub mod signs;
pub mod stamp;
mod text;

/// Why nothing is printed, or nothing is read out of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrintFault {
    #[error("no font has the character U+{:04X}", *.0 as u32)]
    MissingCharacter(char),
    #[error("{0} does not fit on the page")]
    DoesNotFit(&'static str),
    #[error("an address of {0} bytes is too long for a QR code")]
    AddressTooLong(usize),
    #[error("attachment {0:?}: a plain file name that occurs once, a media type and a description expected")]
    BadAttachment(String),
    #[error("the PDF was not made: {0}")]
    NotMade(String),
    #[error("a PDF file expected")]
    NotAPdf,
    #[error("the PDF is encrypted")]
    Encrypted,
    #[error("{found} bytes, at most {most} allowed")]
    TooLong { found: usize, most: usize },
    #[error("more than {most} attachments")]
    TooManyAttachments { most: usize },
}
