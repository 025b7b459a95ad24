//! Writes ONNX model files: just enough of the protocol-buffer format for a graph of operators and constants.
//! The numbers are the field numbers of `onnx.proto`.

/// The operator set the graphs are written for: the first with `Gelu`.
const OPSET: u64 = 20;
/// The file format version that goes with it.
const IR_VERSION: u64 = 9;

/// Element types, with their numbers in the format.
#[derive(Clone, Copy)]
pub(super) enum Type {
    F32 = 1,
    I8 = 3,
    I32 = 6,
    I64 = 7,
}

/// An attribute of an operator.
pub(super) enum Attribute<'a> {
    Int(&'a str, i64),
    Float(&'a str, f32),
    Ints(&'a str, &'a [i64]),
}

/// A message under construction.
#[derive(Default)]
struct Proto(Vec<u8>);

impl Proto {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn int(&mut self, field: u64, value: u64) -> &mut Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn float(&mut self, field: u64, value: f32) -> &mut Self {
        self.varint(field << 3 | 5);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn bytes(&mut self, field: u64, value: &[u8]) -> &mut Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn text(&mut self, field: u64, value: &str) -> &mut Self {
        self.bytes(field, value.as_bytes())
    }

    fn message(&mut self, field: u64, value: &Self) -> &mut Self {
        self.bytes(field, &value.0)
    }
}

/// A graph being put together. Operators are added in the order in which they run.
#[derive(Default)]
pub(super) struct Graph {
    body: Proto,
    values: usize,
}

impl Graph {
    /// Declares an input whose dimensions are only known at run time.
    pub(super) fn input(&mut self, name: &str, element: Type, dimensions: &[&str]) {
        self.value_info(11, name, element, dimensions);
    }

    /// Declares an output.
    pub(super) fn output(&mut self, name: &str, element: Type, dimensions: &[&str]) {
        self.value_info(12, name, element, dimensions);
    }

    /// Adds a constant of `element`s in little-endian order; no dimensions make a scalar.
    pub(super) fn constant(&mut self, element: Type, dimensions: &[usize], data: &[u8]) -> String {
        let name = self.name();
        let mut tensor = Proto::default();
        for dimension in dimensions {
            tensor.int(1, *dimension as u64);
        }
        tensor.int(2, element as u64).text(8, &name).bytes(9, data);
        self.body.message(5, &tensor);
        name
    }

    pub(super) fn floats(&mut self, dimensions: &[usize], values: &[f32]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Type::F32, dimensions, &bytes)
    }

    /// A one-dimensional constant of whole numbers: shapes and axes.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Type::I64, &[values.len()], &bytes)
    }

    /// Adds an operator with one output, which is returned.
    pub(super) fn op(&mut self, kind: &str, inputs: &[&str], attributes: &[Attribute<'_>]) -> String {
        let output = self.name();
        self.node(kind, inputs, &[&output], attributes);
        output
    }

    /// Adds an operator whose outputs have these names.
    pub(super) fn node(&mut self, kind: &str, inputs: &[&str], outputs: &[&str], attributes: &[Attribute<'_>]) {
        let mut node = Proto::default();
        for input in inputs {
            node.text(1, input);
        }
        for output in outputs {
            node.text(2, output);
        }
        node.text(4, kind);
        for attribute in attributes {
            node.message(5, &encode(attribute));
        }
        self.body.message(1, &node);
    }

    /// A name no other value has.
    pub(super) fn name(&mut self) -> String {
        self.values += 1;
        format!("v{}", self.values)
    }

    /// The finished file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.body.text(2, "parlor");
        let mut opset = Proto::default();
        opset.text(1, "").int(2, OPSET);
        let mut model = Proto::default();
        model
            .int(1, IR_VERSION)
            .text(2, "parlor")
            .message(8, &opset)
            .message(7, &self.body);
        model.0
    }

    fn value_info(&mut self, field: u64, name: &str, element: Type, dimensions: &[&str]) {
        let mut shape = Proto::default();
        for dimension in dimensions {
            let mut encoded = Proto::default();
            match dimension.parse() {
                Ok(length) => encoded.int(1, length),
                Err(_) => encoded.text(2, dimension),
            };
            shape.message(1, &encoded);
        }
        let mut tensor = Proto::default();
        tensor.int(1, element as u64).message(2, &shape);
        let mut kind = Proto::default();
        kind.message(1, &tensor);
        let mut info = Proto::default();
        info.text(1, name).message(2, &kind);
        self.body.message(field, &info);
    }
}

fn encode(attribute: &Attribute<'_>) -> Proto {
    let mut proto = Proto::default();
    match attribute {
        // A negative number is written as its two's complement.
        Attribute::Int(name, value) => proto.text(1, name).int(3, *value as u64).int(20, 2),
        Attribute::Float(name, value) => proto.text(1, name).float(2, *value).int(20, 1),
        Attribute::Ints(name, values) => {
            proto.text(1, name);
            for value in *values {
                proto.int(8, *value as u64);
            }
            proto.int(20, 7)
        }
    };
    proto
}

#[cfg(test)]
mod tests {
    use rten::Model;
    use rten_tensor::prelude::*;
    use rten_tensor::{NdTensor, Tensor};

    use super::*;

    #[test]
    fn numbers_are_written_as_the_format_says() {
        let mut proto = Proto::default();
        proto.int(1, 150).text(2, "testing").float(3, 1.0).int(4, -1_i64 as u64);
        let mut want = vec![0x08, 0x96, 0x01, 0x12, 7];
        want.extend_from_slice(b"testing");
        want.extend_from_slice(&[0x1d, 0, 0, 0x80, 0x3f, 0x20]);
        want.extend_from_slice(&[0xff; 9]);
        want.push(1);
        assert_eq!(proto.0, want);
    }

    #[test]
    fn a_graph_is_read_back_and_runs() {
        let mut graph = Graph::default();
        graph.input("x", Type::F32, &["n", "2"]);
        let weights = graph.floats(&[2, 2], &[0.0, 1.0, 1.0, 0.0]);
        let swapped = graph.op("MatMul", &["x", &weights], &[]);
        let turned = graph.op("Transpose", &[&swapped], &[Attribute::Ints("perm", &[1, 0])]);
        graph.node("Softmax", &[&turned], &["y"], &[Attribute::Int("axis", -1)]);
        graph.output("y", Type::F32, &["2", "n"]);
        let model = Model::load(graph.finish()).unwrap();
        let input = NdTensor::from_data([1, 2], vec![3.0_f32, 4.0]);
        let [y] = model
            .run_n(
                [(model.node_id("x").unwrap(), input.into())].into(),
                [model.node_id("y").unwrap()],
                None,
            )
            .unwrap();
        let y: Tensor<f32> = y.try_into().unwrap();
        assert_eq!((y.shape().to_vec(), y.to_vec()), (vec![2, 1], vec![1.0, 1.0]));
    }
}
