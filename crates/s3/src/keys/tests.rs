use aws::Call;

use super::*;
use crate::testing::World;

impl S3 {
    /// Of another process on the same engine.
    fn restarted(&self) -> Self {
        let inner = &self.inner;
        Self::new(
            inner.engine.clone(),
            inner.clock.clone(),
            Arc::new(Random::seeded(2)),
            inner.region.clone(),
            inner.domain.clone(),
            inner.authorizer.clone(),
            inner.day,
        )
    }
}

fn customer(key: &[u8]) -> CustomerKey {
    let (key, md5) = (STANDARD.encode(key), STANDARD.encode(crate::checksum::md5(key)));
    let headers =
        CustomerHeaders { algorithm: Some("AES256"), key: Some(&key), key_md5: Some(&md5) };
    headers.read(&World::new().owner()).expect("valid").expect("given")
}

#[tokio::test]
async fn the_master_key_outlives_the_process() {
    let s3 = World::new().s3;
    let (key, sealing) = s3.new_data_key(None).await.expect("made");
    let again = s3.restarted();
    let opened = again.data_key(&sealing, None).await.expect("opened");
    assert!(opened.0 == key.0);
    let (other, _) = again.new_data_key(None).await.expect("made");
    assert!(other.0 != key.0);
    assert!(key.blob_key(1) != key.blob_key(2) && key.blob_key(1) != other.blob_key(1));
}

#[tokio::test]
async fn only_the_customers_key_opens() {
    let s3 = World::new().s3;
    let right = customer(&[1; 32]);
    let (key, sealed) = s3.new_data_key(Some(&right)).await.expect("made");
    let (_, open) = s3.new_data_key(None).await.expect("made");
    let code = |result: Result<DataKey, Error>| result.err().map(|e| (e.status, e.code));
    assert!(s3.data_key(&sealed, Some(&right)).await.expect("opened").0 == key.0);
    let wrong = s3.data_key(&sealed, Some(&customer(&[2; 32]))).await;
    assert_eq!(code(wrong), Some((403, "AccessDenied".into())));
    let invalid = Some((400, "InvalidRequest".into()));
    assert_eq!(code(s3.data_key(&sealed, None).await), invalid);
    assert_eq!(code(s3.data_key(&open, Some(&right)).await), invalid);
}

#[tokio::test]
async fn a_customers_headers_come_together() {
    let key = STANDARD.encode([1; 32]);
    let md5 = STANDARD.encode(crate::checksum::md5(&[1; 32]));
    let check = |algorithm, key: Option<&str>, key_md5: Option<&str>, expected: Option<&str>| {
        let read = CustomerHeaders { algorithm, key, key_md5 }.read(&World::new().owner());
        assert_eq!(read.err().map(|e| e.code.into_owned()).as_deref(), expected);
    };
    check(None, None, None, None);
    check(Some("AES256"), Some(&key), Some(&md5), None);
    check(None, Some(&key), Some(&md5), Some("InvalidArgument"));
    check(Some("AES256"), None, Some(&md5), Some("InvalidArgument"));
    check(Some("AES256"), Some(&key), None, Some("InvalidArgument"));
    check(Some("AES256"), Some("c2hvcnQ="), Some(&md5), Some("InvalidArgument"));
    check(Some("AES256"), Some(&key), Some(&key), Some("InvalidArgument"));
    check(Some("DES"), Some(&key), Some(&md5), Some("InvalidEncryptionAlgorithmError"));
}

#[tokio::test]
async fn a_customers_key_does_not_cross_a_network_in_the_open() {
    let key = STANDARD.encode([1; 32]);
    let md5 = STANDARD.encode(crate::checksum::md5(&[1; 32]));
    let headers =
        CustomerHeaders { algorithm: Some("AES256"), key: Some(&key), key_md5: Some(&md5) };
    let check = |ip: [u8; 4], secure_transport, refused| {
        let call = Call { source_ip: Some(ip.into()), secure_transport, ..World::new().owner() };
        assert_eq!(headers.read(&call).is_err(), refused);
    };
    check([127, 0, 0, 1], false, false);
    check([10, 0, 0, 1], false, true);
    check([10, 0, 0, 1], true, false);
}
