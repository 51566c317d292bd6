//! A parsed shape in no protocol's form: what readers make, writers print, and one service
//! hands to another.

use std::collections::BTreeMap;

pub use bytes::Bytes;

use crate::schema::Schema;
use crate::{Body, Timestamp};

/// A value of some [`Schema`]. Its `Debug` form shows secrets, unlike that of the structs made
/// from it: do not log it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    String(String),
    /// An integer or a long.
    Integer(i64),
    /// A float or a double.
    Double(f64),
    Boolean(bool),
    Timestamp(Timestamp),
    Blob(Bytes),
    Stream(Body),
    List(Vec<Value>),
    /// In the order of arrival.
    Map(Vec<(String, Value)>),
    /// The members that are set, by their names in the model.
    Structure(Vec<(&'static str, Value)>),
}

/// A [`Value`] that does not have the form of the shape it is said to be. Readers never make
/// such a value, so it is a bug of whoever did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("{shape} lacks its member {member}")]
    Missing { shape: &'static str, member: &'static str },
    #[error("{shape} has no member {member}")]
    Unknown { shape: &'static str, member: String },
    #[error("{0} was found where {1} was expected")]
    Type(&'static str, &'static str),
}

impl Value {
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Double(_) => "a number",
            Self::Boolean(_) => "a boolean",
            Self::Timestamp(_) => "a timestamp",
            Self::Blob(_) => "a blob",
            Self::Stream(_) => "a stream",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Structure(_) => "a structure",
        }
    }

    /// A member of a structure.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Structure(members) => {
                members.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The members of a structure, after making sure that they are all known and the required
    /// ones all there.
    ///
    /// # Errors
    /// When they are not, or when this is no structure.
    pub fn into_members(self, schema: &Schema) -> Result<Vec<(&'static str, Self)>, Mismatch> {
        let Self::Structure(members) = self else {
            return Err(Mismatch::Type(self.type_name(), "a structure"));
        };
        for (name, _) in &members {
            if schema.member(name).is_none() {
                return Err(Mismatch::Unknown { shape: schema.name, member: (*name).into() });
            }
        }
        for member in schema.members().iter().filter(|member| member.required) {
            if !members.iter().any(|(name, _)| *name == member.name) {
                return Err(Mismatch::Missing { shape: schema.name, member: member.name });
            }
        }
        Ok(members)
    }
}

/// What can be read from a [`Value`]: the types of generated members.
pub trait FromValue: Sized {
    /// # Errors
    /// When the value is of another type.
    fn from_value(value: Value) -> Result<Self, Mismatch>;
}

/// What can be turned into a [`Value`].
pub trait IntoValue {
    /// `None` for a member that is not set.
    fn into_value(self) -> Option<Value>;
}

macro_rules! plain {
    ($type:ty, $variant:ident, $name:literal) => {
        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self, Mismatch> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    other => Err(Mismatch::Type(other.type_name(), $name)),
                }
            }
        }

        impl IntoValue for $type {
            fn into_value(self) -> Option<Value> {
                Some(Value::$variant(self))
            }
        }
    };
}

plain!(String, String, "a string");
plain!(i64, Integer, "a long");
plain!(f64, Double, "a double");
plain!(bool, Boolean, "a boolean");
plain!(Timestamp, Timestamp, "a timestamp");
plain!(Bytes, Blob, "a blob");
plain!(Body, Stream, "a stream");

impl FromValue for i32 {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        i64::from_value(value)?
            .try_into()
            .map_err(|_| Mismatch::Type("a long", "an integer of 32 bits"))
    }
}

impl IntoValue for i32 {
    fn into_value(self) -> Option<Value> {
        Some(Value::Integer(self.into()))
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        T::from_value(value).map(Some)
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Option<Value> {
        self?.into_value()
    }
}

impl<T: FromValue> FromValue for Box<T> {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        T::from_value(value).map(Box::new)
    }
}

impl<T: IntoValue> IntoValue for Box<T> {
    fn into_value(self) -> Option<Value> {
        (*self).into_value()
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            // Loops, here and below: iterator adapters made anew for each of a service's
            // hundreds of types are a good part of its compile time.
            Value::List(items) => {
                let mut read = Vec::with_capacity(items.len());
                for item in items {
                    read.push(T::from_value(item)?);
                }
                Ok(read)
            }
            other => Err(Mismatch::Type(other.type_name(), "a list")),
        }
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Option<Value> {
        let mut items = Vec::with_capacity(self.len());
        for item in self {
            items.extend(item.into_value());
        }
        Some(Value::List(items))
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Map(entries) => {
                let mut read = Self::new();
                for (key, value) in entries {
                    read.insert(key, T::from_value(value)?);
                }
                Ok(read)
            }
            other => Err(Mismatch::Type(other.type_name(), "a map")),
        }
    }
}

impl<T: IntoValue> IntoValue for BTreeMap<String, T> {
    fn into_value(self) -> Option<Value> {
        let mut entries = Vec::with_capacity(self.len());
        for (key, value) in self {
            entries.extend(value.into_value().map(|value| (key, value)));
        }
        Some(Value::Map(entries))
    }
}

/// For generated code: adds a member when it is set.
pub fn put(members: &mut Vec<(&'static str, Value)>, name: &'static str, value: Option<Value>) {
    members.extend(value.map(|value| (name, value)));
}

/// A member as `Debug` shows it: secrets are not.
pub fn shown<'a>(schema: &Schema, member: &'a dyn std::fmt::Debug) -> &'a dyn std::fmt::Debug {
    if schema.is_sensitive() { &Secret } else { member }
}

#[derive(Debug)]
struct Secret;

/// Defines a structure of a service model, its [`Schema`], and its way from and to a
/// [`Value`]: one line a member. Written for the output of `codegen`; after the name comes the
/// direction that the structure is needed in: `read`, `write` or `both`.
#[macro_export]
macro_rules! structure {
    ($name:ident [$direction:ident] $schema:ident [$($payload:literal)?] [$($shape_more:tt)*] {
        $($field:ident $member:literal: $type:ty = $shape:path [$($more:tt)*];)*
    }) => {
        #[derive(Clone, Default, PartialEq)]
        pub struct $name {
            $(pub $field: $type,)*
        }

        #[allow(non_upper_case_globals)]
        pub static $name: $crate::schema::Schema = $crate::schema::Schema::$schema(
            stringify!($name),
            &[$($crate::schema::Member::new($member, &$shape) $($more)*),*],
            $($payload)?
        ) $($shape_more)*;

        impl ::std::fmt::Debug for $name {
            #[inline] // Compiled only where it is used, as a derived one would be.
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), $crate::value::shown(&$shape, &self.$field)))*
                    .finish()
            }
        }

        $crate::structure!(@$direction $name { $($field $member)* });
    };
    (@both $name:ident $members:tt) => {
        $crate::structure!(@read $name $members);
        $crate::structure!(@write $name $members);
    };
    (@read $name:ident { $($field:ident $member:literal)* }) => {
        impl $crate::value::FromValue for $name {
            fn from_value(value: $crate::Value) -> ::std::result::Result<Self, $crate::Mismatch> {
                #[allow(unused_mut)]
                let mut read = Self::default();
                for (name, _value) in value.into_members(&$name)? {
                    match name {
                        $($member => read.$field = $crate::value::FromValue::from_value(_value)?,)*
                        _ => {}
                    }
                }
                Ok(read)
            }
        }
    };
    (@write $name:ident { $($field:ident $member:literal)* }) => {
        impl $crate::value::IntoValue for $name {
            fn into_value(self) -> ::std::option::Option<$crate::Value> {
                #[allow(unused_mut)]
                let mut _members = ::std::vec::Vec::new();
                $($crate::value::put(
                    &mut _members,
                    $member,
                    $crate::value::IntoValue::into_value(self.$field),
                );)*
                ::std::option::Option::Some($crate::Value::Structure(_members))
            }
        }
    };
}
