//! S3: objects of three sizes, by turns against the peers that are there; memory; many keys.

mod client;
mod many;
mod memory;
mod objects;
mod peer;

use std::io;

use bytes::Bytes;
use http::Method;
use tokio::runtime::Runtime;

use self::client::{Connection, Endpoint, Request};
use crate::Tree;
use crate::process::{Server, region};
use crate::report::Report;

pub fn measure_objects(tree: &Tree, report: &mut Report) -> io::Result<()> {
    runtime()?.block_on(objects::measure(tree, report))
}

pub fn measure_memory(tree: &Tree, report: &mut Report) -> io::Result<()> {
    runtime()?.block_on(memory::measure(tree, report))
}

pub fn measure_many(tree: &Tree, report: &mut Report) -> io::Result<()> {
    runtime()?.block_on(many::measure(tree, report))
}

/// Of one thread: the servers have the other cores.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// haneul's, once it answers.
async fn endpoint(haneul: &Server) -> io::Result<Endpoint> {
    let key = haneul.first_answer().await?;
    Ok(Endpoint { address: haneul.address, key, region: region() })
}

async fn create_bucket(endpoint: &Endpoint) -> io::Result<()> {
    let place = format!(
        "<CreateBucketConfiguration><LocationConstraint>{}</LocationConstraint>\
         </CreateBucketConfiguration>",
        endpoint.region
    );
    let request = Request::new(endpoint, &Method::PUT, "", Bytes::from(place));
    Connection::open(endpoint.address).await?.ask(&request).await?;
    Ok(())
}
