//! Sentences in the two languages that every answer can be read in.

use std::borrow::Cow;

/// One sentence in English and in Chinese. Which one a reader gets is decided by `Accept-Language`. Most are said by the program as they
/// stand there, and are not copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub en: Cow<'static, str>,
    pub zh: Cow<'static, str>,
}

impl Text {
    pub fn new(en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Self {
        Text { en: en.into(), zh: zh.into() }
    }

    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }

    pub fn into_language(self, language: Language) -> Cow<'static, str> {
        match language {
            Language::English => self.en,
            Language::Chinese => self.zh,
        }
    }
}

/// The languages of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    English,
    Chinese,
}
