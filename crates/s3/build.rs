//! Makes the shapes of S3 from its model.

fn main() {
    codegen::service("../../models/s3/model.json").write("s3_model.rs");
}
