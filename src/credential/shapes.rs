//! The objects that our credentials are made of: the members of each, how they must look, and what they mean.
//!
//! What a member means is what the compiled-in contexts make of it; a test holds the two equal. A term that is not listed here for its
//! type does not stand in a document of ours.

use Means::{Elsewhere, Id, Iri, Node, Plain, Typed};

macro_rules! ob {
    ($name:literal) => {
        concat!("https://purl.imsglobal.org/spec/vc/ob/vocab.html#", $name)
    };
}
macro_rules! schema {
    ($name:literal) => {
        concat!("https://schema.org/", $name)
    };
}
macro_rules! vc {
    ($name:literal) => {
        concat!("https://www.w3.org/2018/credentials#", $name)
    };
}
macro_rules! status {
    ($name:literal) => {
        concat!("https://www.w3.org/ns/credentials/status#", $name)
    };
}
/// The Open Badges context writes this namespace with `https`.
macro_rules! xsd {
    ($name:literal) => {
        concat!("https://www.w3.org/2001/XMLSchema#", $name)
    };
}

const DATE_TIME: &str = "http://www.w3.org/2001/XMLSchema#dateTime";

/// What the types that we use mean.
pub(super) const TYPES: &[(&str, &str)] = &[
    ("VerifiableCredential", vc!("VerifiableCredential")),
    ("OpenBadgeCredential", ob!("OpenBadgeCredential")),
    ("Profile", ob!("Profile")),
    ("AchievementSubject", ob!("AchievementSubject")),
    ("IdentityObject", ob!("IdentityObject")),
    ("Achievement", ob!("Achievement")),
    ("Alignment", schema!("AlignmentObject")),
    ("ResultDescription", ob!("ResultDescription")),
    ("RubricCriterionLevel", ob!("RubricCriterionLevel")),
    ("Result", ob!("Result")),
    ("1EdTechJsonSchemaValidator2019", "https://purl.imsglobal.org/spec/vccs/v1p0/context.json#1EdTechJsonSchemaValidator2019"),
    ("BitstringStatusListEntry", status!("BitstringStatusListEntry")),
];

/// How a member of an object must look.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Text,
    Url,
    DateTime,
    Number,
    Boolean,
    /// One of the words, or a word with the prefix `ext:`.
    Word(&'static [&'static str]),
    One(&'static Shape),
    Many(&'static Shape),
}

/// What a member says in RDF.
#[derive(Clone, Copy)]
pub(super) enum Means {
    /// The name of the object itself.
    Id,
    /// A property with a text.
    Plain(&'static str),
    /// A property with a text of a type.
    Typed(&'static str, &'static str),
    /// A property with a name.
    Iri(&'static str),
    /// A property with objects.
    Node(&'static str),
    /// Only the contexts know.
    Elsewhere,
}

/// A member: its name, its form, whether it is required, what it means.
pub(super) struct Member(pub &'static str, pub Form, pub bool, pub Means);

/// An object: the type it must carry, and its members.
pub(super) struct Shape {
    pub type_name: Option<&'static str>,
    /// Whether `type` is an array (OB) or a text (VCDM objects with one type).
    pub type_is_array: bool,
    pub members: &'static [Member],
}

const CRITERIA: Shape = Shape { type_name: None, type_is_array: false, members: &[Member("id", Form::Url, false, Id), Member("narrative", Form::Text, false, Plain(ob!("narrative")))] };
const ALIGNMENT: Shape = Shape {
    type_name: Some("Alignment"),
    type_is_array: true,
    members: &[
        Member("targetCode", Form::Text, false, Plain(ob!("targetCode"))),
        Member("targetDescription", Form::Text, false, Plain(schema!("targetDescription"))),
        Member("targetName", Form::Text, true, Plain(schema!("targetName"))),
        Member("targetFramework", Form::Text, false, Plain(schema!("targetFramework"))),
        Member("targetType", Form::Word(&["ceasn:Competency", "ceterms:Credential", "CFItem", "CFRubric", "CFRubricCriterion", "CFRubricCriterionLevel", "CTDL"]), false, Plain(ob!("targetType"))),
        Member("targetUrl", Form::Url, true, Typed(schema!("targetUrl"), xsd!("anyURI"))),
    ],
};
const RUBRIC_LEVEL: Shape = Shape {
    type_name: Some("RubricCriterionLevel"),
    type_is_array: true,
    members: &[
        Member("id", Form::Url, true, Id),
        Member("name", Form::Text, true, Plain(schema!("name"))),
        Member("description", Form::Text, false, Plain(schema!("description"))),
        Member("level", Form::Text, false, Plain(ob!("level"))),
        Member("points", Form::Text, false, Plain(ob!("points"))),
    ],
};
const RESULT_TYPES: &[&str] = &[
    "GradePointAverage", "LetterGrade", "Percent", "PerformanceLevel", "PredictedScore", "RawScore", "Result", "RubricCriterion", "RubricCriterionLevel",
    "RubricScore", "ScaledScore", "Status",
];
const RESULT_DESCRIPTION: Shape = Shape {
    type_name: Some("ResultDescription"),
    type_is_array: true,
    members: &[
        Member("id", Form::Url, true, Id),
        Member("name", Form::Text, true, Plain(schema!("name"))),
        Member("resultType", Form::Word(RESULT_TYPES), true, Plain(ob!("resultType"))),
        Member("requiredLevel", Form::Url, false, Typed(ob!("requiredLevel"), xsd!("anyURI"))),
        Member("requiredValue", Form::Text, false, Plain(ob!("requiredValue"))),
        Member("valueMin", Form::Text, false, Plain(ob!("valueMin"))),
        Member("valueMax", Form::Text, false, Plain(ob!("valueMax"))),
        Member("rubricCriterionLevel", Form::Many(&RUBRIC_LEVEL), false, Node(ob!("rubricCriterionLevel"))),
    ],
};
const RESULT: Shape = Shape {
    type_name: Some("Result"),
    type_is_array: true,
    members: &[Member("achievedLevel", Form::Url, false, Typed(ob!("achievedLevel"), xsd!("anyURI"))), Member("resultDescription", Form::Url, false, Typed(ob!("resultDescription"), xsd!("anyURI"))), Member("value", Form::Text, false, Plain(schema!("value")))],
};
const ACHIEVEMENT_TYPES: &[&str] = &[
    "Achievement", "ApprenticeshipCertificate", "Assessment", "Badge", "Certificate", "CertificateOfCompletion", "Certification", "Competency", "Course",
    "Diploma", "Fieldwork", "JourneymanCertificate", "LearningProgram", "License", "MasterCertificate", "MicroCredential", "QualityAssuranceCredential",
];
const ACHIEVEMENT: Shape = Shape {
    type_name: Some("Achievement"),
    type_is_array: true,
    members: &[
        Member("id", Form::Url, true, Id),
        Member("achievementType", Form::Word(ACHIEVEMENT_TYPES), false, Plain(ob!("achievementType"))),
        Member("alignment", Form::Many(&ALIGNMENT), false, Node(ob!("alignment"))),
        Member("creditsAvailable", Form::Number, false, Elsewhere),
        Member("criteria", Form::One(&CRITERIA), true, Node(ob!("Criteria"))),
        Member("description", Form::Text, true, Plain(schema!("description"))),
        Member("humanCode", Form::Text, false, Plain(ob!("humanCode"))),
        Member("inLanguage", Form::Text, false, Plain(schema!("inLanguage"))),
        Member("name", Form::Text, true, Plain(schema!("name"))),
        Member("resultDescription", Form::Many(&RESULT_DESCRIPTION), false, Node(ob!("resultDescription"))),
    ],
};
const IDENTITY_TYPES: &[&str] = &["name", "identifier", "nationalIdentityNumber", "systemId", "emailAddress"];
const IDENTITY: Shape = Shape {
    type_name: Some("IdentityObject"),
    type_is_array: false,
    members: &[
        Member("hashed", Form::Boolean, true, Typed(ob!("hashed"), xsd!("boolean"))),
        Member("identityHash", Form::Text, true, Plain(ob!("identityHash"))),
        Member("identityType", Form::Word(IDENTITY_TYPES), true, Plain(ob!("identityType"))),
        Member("salt", Form::Text, false, Plain(ob!("salt"))),
    ],
};
const SUBJECT: Shape = Shape {
    type_name: Some("AchievementSubject"),
    type_is_array: true,
    members: &[
        Member("id", Form::Url, false, Id),
        Member("identifier", Form::Many(&IDENTITY), false, Node(ob!("identifier"))),
        Member("licenseNumber", Form::Text, false, Plain(ob!("licenseNumber"))),
        Member("activityEndDate", Form::DateTime, false, Typed(ob!("activityEndDate"), xsd!("date"))),
        Member("creditsEarned", Form::Number, false, Elsewhere),
        Member("narrative", Form::Text, false, Plain(ob!("narrative"))),
        Member("achievement", Form::One(&ACHIEVEMENT), true, Node(ob!("achievement"))),
        Member("result", Form::Many(&RESULT), false, Node(ob!("result"))),
    ],
};
const PROFILE: Shape = Shape {
    type_name: Some("Profile"),
    type_is_array: true,
    members: &[Member("id", Form::Url, true, Id), Member("name", Form::Text, false, Plain(schema!("name"))), Member("url", Form::Url, false, Elsewhere)],
};
const SCHEMA: Shape = Shape { type_name: Some("1EdTechJsonSchemaValidator2019"), type_is_array: false, members: &[Member("id", Form::Url, true, Id)] };
const STATUS: Shape = Shape {
    type_name: Some("BitstringStatusListEntry"),
    type_is_array: false,
    members: &[
        Member("id", Form::Url, false, Id),
        Member("statusPurpose", Form::Word(&["revocation"]), true, Plain(status!("statusPurpose"))),
        Member("statusListIndex", Form::Text, true, Plain(status!("statusListIndex"))),
        Member("statusListCredential", Form::Url, true, Iri(status!("statusListCredential"))),
    ],
};
pub(super) const CREDENTIAL: Shape = Shape {
    type_name: Some("VerifiableCredential"),
    type_is_array: true,
    members: &[
        Member("id", Form::Url, true, Id),
        Member("name", Form::Text, false, Plain(schema!("name"))),
        Member("issuer", Form::One(&PROFILE), true, Node(vc!("issuer"))),
        Member("validFrom", Form::DateTime, true, Typed(vc!("validFrom"), DATE_TIME)),
        Member("validUntil", Form::DateTime, false, Typed(vc!("validUntil"), DATE_TIME)),
        Member("awardedDate", Form::DateTime, false, Typed(ob!("awardedDate"), "xsd:dateTime")),
        Member("credentialSubject", Form::One(&SUBJECT), true, Node(vc!("credentialSubject"))),
        Member("credentialSchema", Form::Many(&SCHEMA), false, Node(vc!("credentialSchema"))),
        Member("credentialStatus", Form::One(&STATUS), true, Node(vc!("credentialStatus"))),
    ],
};

/// What a learner record asserts of its subject; the credentials inside are checked each by itself.
const RECORD_SUBJECT: Shape = Shape {
    type_name: Some("ClrSubject"),
    type_is_array: true,
    members: &[Member("id", Form::Url, false, Elsewhere), Member("identifier", Form::Many(&IDENTITY), true, Elsewhere), Member("achievement", Form::Many(&ACHIEVEMENT), false, Elsewhere)],
};
pub(super) const RECORD: Shape = Shape {
    type_name: Some("ClrCredential"),
    type_is_array: true,
    members: &[
        Member("id", Form::Url, true, Elsewhere),
        Member("name", Form::Text, true, Elsewhere),
        Member("description", Form::Text, false, Elsewhere),
        Member("partial", Form::Boolean, false, Elsewhere),
        Member("issuer", Form::One(&PROFILE), true, Elsewhere),
        Member("validFrom", Form::DateTime, true, Elsewhere),
        Member("awardedDate", Form::DateTime, false, Elsewhere),
        Member("credentialSubject", Form::One(&RECORD_SUBJECT), true, Elsewhere),
        Member("credentialSchema", Form::Many(&SCHEMA), false, Elsewhere),
    ],
};
