//! A kind and a body as they are stored, read as the one object `{"kind": …, "body": …}` that facts are made of, without a
//! copy of the body in between.

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, Error as _, MapAccess};
use serde_json::Error;
use serde_json::de::StrRead;

/// What is to come next.
enum Next {
    Kind,
    Body,
    End,
}

/// The object, key by key.
pub(super) struct Tagged<'a, 'de> {
    kind: &'de str,
    body: &'a mut serde_json::Deserializer<StrRead<'de>>,
    next: Next,
}

impl<'a, 'de> Tagged<'a, 'de> {
    /// The fact of this kind whose body is about to be read.
    pub(super) fn new(
        kind: &'de str,
        body: &'a mut serde_json::Deserializer<StrRead<'de>>,
    ) -> MapAccessDeserializer<Self> {
        MapAccessDeserializer::new(Self {
            kind,
            body,
            next: Next::Kind,
        })
    }
}

impl<'de> MapAccess<'de> for Tagged<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let key = match self.next {
            Next::Kind => "kind",
            Next::Body => "body",
            Next::End => return Ok(None),
        };
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.next {
            Next::Kind => {
                self.next = Next::Body;
                seed.deserialize(BorrowedStrDeserializer::new(self.kind))
            }
            Next::Body => {
                self.next = Next::End;
                seed.deserialize(&mut *self.body)
            }
            Next::End => Err(Error::custom("there is no more")),
        }
    }
}
