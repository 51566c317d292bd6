#![no_main]

use aws::page::{List, PageTokens};

libfuzzer_sys::fuzz_target!(|data: &str| {
    let account = "123456789012".parse().expect("twelve digits");
    let list = List { account: &account, operation: "iam:ListUsers" };
    assert!(PageTokens::new(b"secret").open(list, data).is_err());
});
