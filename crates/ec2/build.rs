//! Makes the shapes of EC2 from its model.

fn main() {
    codegen::service("../../models/ec2/model.json").write("ec2_model.rs");
}
