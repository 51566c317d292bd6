//! Makes the shapes of IAM and STS from their models.

fn main() {
    codegen::service("../../models/iam/model.json").write("iam_model.rs");
    codegen::service("../../models/sts/model.json").write("sts_model.rs");
}
