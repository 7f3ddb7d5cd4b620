//! Nodes and buckets of the map.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_registry::{Bucket, MapNode};

fuzz_target!(|data: &[u8]| {
    if let Ok(node) = MapNode::decode(&[], data) {
        assert_eq!(node.encode(), data);
    }
    if let Ok(bucket) = Bucket::decode(&[], data) {
        assert_eq!(bucket.encode(), data);
    }
});
