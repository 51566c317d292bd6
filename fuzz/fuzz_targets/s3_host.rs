#![no_main]

use s3::address::{Address, Kind};

libfuzzer_sys::fuzz_target!(|host: &str| {
    if let Some(address) = Address::of_host(host, "haneul.test") {
        assert!(address.bucket.as_deref() != Some(""));
        assert!(address.kind == Kind::Api || address.bucket.is_some());
    }
});
