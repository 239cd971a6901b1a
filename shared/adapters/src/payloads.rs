//! Large event payloads in S3, named by their digest.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use domain::ports::{Payloads, Unavailable};
use domain::value::Digest;

use crate::aws;

const SERVICE: &str = "the payload bucket";

/// The payload bucket. An object's key is `payloads/<sha256>`.
#[derive(Debug, Clone)]
pub struct PayloadBucket {
    client: Client,
    bucket: String,
}

impl PayloadBucket {
    /// The payloads in a bucket.
    pub fn new(config: &SdkConfig, bucket: impl Into<String>) -> Self {
        // Local stacks have no DNS name for each bucket.
        let local = config.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(local)
            .build();
        Self {
            client: Client::from_conf(config),
            bucket: bucket.into(),
        }
    }
}

#[async_trait]
impl Payloads for PayloadBucket {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, Unavailable> {
        let digest = Digest::of(bytes);
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key(&digest))
            .if_none_match("*")
            // A bucket with a default retention refuses puts without a checksum.
            .checksum_sha256(data_encoding::BASE64.encode(digest.as_bytes()))
            .body(ByteStream::from(bytes.to_vec()))
            .send()
            .await;
        match put {
            Ok(_) => Ok(digest),
            // It is there already.
            Err(err)
                if err
                    .raw_response()
                    .is_some_and(|reply| reply.status().as_u16() == 412) =>
            {
                Ok(digest)
            }
            Err(err) => Err(Unavailable::new(SERVICE, aws::told(&err))),
        }
    }

    async fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Unavailable> {
        let get = self.client.get_object().bucket(&self.bucket).key(key(digest));
        let object = match get.send().await {
            Ok(object) => object,
            // So it is told to whoever may list the bucket; to others, that they may not.
            Err(err) if err.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(None);
            }
            Err(err) => return Err(Unavailable::new(SERVICE, aws::told(&err))),
        };
        let bytes = object
            .body
            .collect()
            .await
            .map_err(|err| Unavailable::new(SERVICE, aws::text(&err)))?
            .to_vec();
        let found = Digest::of(&bytes);
        if found == *digest {
            Ok(Some(bytes))
        } else {
            let problem = format_args!("{} holds bytes of digest {found}", key(digest));
            Err(Unavailable::new(SERVICE, problem))
        }
    }
}

fn key(digest: &Digest) -> String {
    format!("payloads/{digest}")
}
