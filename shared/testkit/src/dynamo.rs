//! A DynamoDB in the test's own process, with the project's tables.

use std::sync::Arc;
use std::time::Duration;

use adapters::aws::Bounds;
use adapters::{DynamoTrail, DynamoView, SdkConfig};
use aws_config::Region;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableInputBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
};
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The trail table's name.
pub const TRAIL_TABLE: &str = "sre_actions";

/// The view's table's name.
pub const VIEW_TABLE: &str = "sre_proposals";

/// An empty DynamoDB with the trail's and the view's table. It ends when dropped.
#[derive(Debug)]
pub struct Dynamo {
    address: String,
    server: JoinHandle<()>,
    config: SdkConfig,
}

impl Dynamo {
    /// Starts one on a free port of the loopback interface.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
        let config = config_for(&format!("http://{address}"), &PATIENT).await;
        let client = Client::new(&config);
        for table in [trail_table(TRAIL_TABLE), view_table(VIEW_TABLE)] {
            table.send_with(&client).await.unwrap();
        }
        Self {
            address,
            server,
            config,
        }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The configuration that points clients to it, with the bounds that the functions use.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// A client for what the adapters cannot do.
    pub fn client(&self) -> Client {
        Client::new(&self.config)
    }

    /// The real trail adapter on it.
    pub fn trail(&self) -> DynamoTrail {
        with_test_keys(DynamoTrail::new(&self.config, TRAIL_TABLE))
    }

    /// The real view adapter on it.
    pub fn view(&self) -> DynamoView {
        DynamoView::new(&self.config, VIEW_TABLE)
    }
}

impl Drop for Dynamo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The adapter with the keys of tests, which signs whatever it is given.
pub(crate) fn with_test_keys(trail: DynamoTrail) -> DynamoTrail {
    let keys = Arc::new(crate::keys::keyring().clone());
    trail.signed_with(crate::keys::TestKeys::shared()).trusting(keys)
}

/// For a server in this process: where the machine is busy it answers late, and a test has no other use for a bound.
const PATIENT: Bounds = Bounds {
    connect: Duration::from_secs(60),
    attempt: Duration::from_secs(60),
    operation: Duration::from_secs(120),
    attempts: 3,
};

/// The functions' own AWS configuration, but for its bounds, an endpoint and credentials that open nothing.
pub(crate) async fn config_for(endpoint: &str, bounds: &Bounds) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "testkit");
    adapters::aws::loader(bounds)
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .load()
        .await
}

/// The trail's table as `template.yaml` declares it: keys, attributes, index and stream.
pub fn trail_table(name: &str) -> CreateTableInputBuilder {
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages);
    table(name, &[("stream", KeyType::Hash), ("seq", KeyType::Range)])
        .set_attribute_definitions(Some(vec![
            attribute("stream", ScalarAttributeType::S),
            attribute("seq", ScalarAttributeType::N),
            attribute("hour", ScalarAttributeType::S),
            attribute("at", ScalarAttributeType::S),
        ]))
        .global_secondary_indexes(index(
            adapters::HOUR_INDEX,
            &[("hour", KeyType::Hash), ("at", KeyType::Range)],
        ))
        .stream_specification(stream.build().unwrap())
}

/// The view's table as `template.yaml` declares it: keys, attributes and indexes.
pub fn view_table(name: &str) -> CreateTableInputBuilder {
    table(name, &[("proposal", KeyType::Hash)])
        .set_attribute_definitions(Some(vec![
            attribute("proposal", ScalarAttributeType::S),
            attribute("open", ScalarAttributeType::S),
            attribute("in_force", ScalarAttributeType::S),
            attribute("updated_at", ScalarAttributeType::S),
        ]))
        .global_secondary_indexes(index(
            adapters::OPEN_INDEX,
            &[("open", KeyType::Hash), ("updated_at", KeyType::Range)],
        ))
        .global_secondary_indexes(index(
            adapters::IN_FORCE_INDEX,
            &[("in_force", KeyType::Hash), ("updated_at", KeyType::Range)],
        ))
}

fn table(name: &str, key: &[(&str, KeyType)]) -> CreateTableInputBuilder {
    CreateTableInputBuilder::default()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_schema(key)))
}

fn index(name: &str, key: &[(&str, KeyType)]) -> GlobalSecondaryIndex {
    let keys_only = Projection::builder()
        .projection_type(ProjectionType::KeysOnly)
        .build();
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .set_key_schema(Some(key_schema(key)))
        .projection(keys_only)
        .build()
        .unwrap()
}

fn key_schema(key: &[(&str, KeyType)]) -> Vec<KeySchemaElement> {
    let element = |(name, role): &(&str, KeyType)| {
        let element = KeySchemaElement::builder()
            .attribute_name(*name)
            .key_type(role.clone());
        element.build().unwrap()
    };
    key.iter().map(element).collect()
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    let attribute = AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(kind);
    attribute.build().unwrap()
}
