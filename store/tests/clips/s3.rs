//! Buckets of an S3 server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use object_store::aws::{AmazonS3, AmazonS3Builder};

/// A new bucket, where there is a server.
pub fn bucket(name: &str) -> Option<Arc<AmazonS3>> {
    let endpoint = std::env::var("VCN_TEST_S3").ok()?;
    static BUCKETS: AtomicU64 = AtomicU64::new(0);
    let name = format!("{name}-{}-{}", std::process::id(), BUCKETS.fetch_add(1, Ordering::Relaxed));
    let made = std::process::Command::new("curl")
        .args([
            "-sf",
            "-X",
            "PUT",
            "-H",
            "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request",
        ])
        .arg(format!("{endpoint}/{name}"))
        .status();
    assert!(made.is_ok_and(|status| status.success()), "no bucket at {endpoint}");
    let store = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_access_key_id("x")
        .with_secret_access_key("x")
        .with_bucket_name(name)
        .with_http_connector(vcn_store::Http)
        .build();
    Some(Arc::new(store.unwrap()))
}
