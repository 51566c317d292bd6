//! Makes the shapes of EC2 from its model, and those of STS that it asks with.

fn main() {
    codegen::service("../../models/ec2/model.json").write("ec2_model.rs");
    codegen::service("../../models/sts/model.json").called(&["AssumeRole"]).write("sts_called.rs");
    codegen::service("../../models/iam/model.json")
        .called(&["GetInstanceProfile"])
        .write("iam_model.rs");
}
