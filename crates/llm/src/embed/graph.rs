//! all-MiniLM-L6-v2 as a graph: six layers of a BERT encoder, the mean over the words, scaled to length 1.
//! The shape is that of the published model; the weights come from its safetensors file.

use safetensors::{Dtype, SafeTensors};

use super::onnx::{Attribute, Graph, Type};
use crate::Error;

/// The length of a vector.
pub(super) const WIDTH: usize = 384;
/// Longer texts are cut to this many tokens, as the published model was trained.
pub(super) const MAX_TOKENS: usize = 256;
const LAYERS: usize = 6;
const HEADS: i64 = 12;
const HEAD_WIDTH: i64 = 32;
const EPSILON: f32 = 1e-12;
/// Added to the attention to words that are only padding.
const MASKED: f32 = -1e9;
/// The largest weight of a matrix. Processors without VNNI add pairs of products in 16 bits, which 127 would make
/// overflow, and vectors must be the same on every machine. It costs little: over 512 sentences the mean cosine to the
/// exact vectors is 0.9927, and 0.9935 with 127.
const MATRIX_LIMIT: f32 = 63.0;
/// The largest weight of the word table, which is not multiplied.
const TABLE_LIMIT: f32 = 127.0;

/// How the weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Whole numbers of eight bits: a quarter of the memory and twice as fast, at a cosine of 0.99 to the exact vectors.
    Int8,
    /// As published.
    F32,
}

/// Builds the model file from the weights.
///
/// # Errors
/// [`Error::Local`] when the weights are not those of this model.
pub(super) fn build(weights: &[u8], precision: Precision) -> Result<Vec<u8>, Error> {
    let weights = SafeTensors::deserialize(weights).map_err(|error| Error::Local(error.to_string()))?;
    let mut builder = Builder {
        graph: Graph::default(),
        weights,
        precision,
    };
    builder.graph.input("ids", Type::I32, &["batch", "length"]);
    builder.graph.input("mask", Type::F32, &["batch", "length"]);
    let mut x = builder.embeddings()?;
    let bias = builder.attention_bias();
    for layer in 0..LAYERS {
        x = builder.layer(&format!("encoder.layer.{layer}"), &x, &bias)?;
    }
    builder.pool(&x);
    builder.graph.output("embedding", Type::F32, &["batch", "384"]);
    Ok(builder.graph.finish())
}

struct Builder<'a> {
    graph: Graph,
    weights: SafeTensors<'a>,
    precision: Precision,
}

/// A value to be multiplied: as it is, and once for all matrices as whole numbers.
struct Operand {
    value: String,
    quantised: Option<[String; 3]>,
}

impl Builder<'_> {
    fn op(&mut self, kind: &str, inputs: &[&str]) -> String {
        self.graph.op(kind, inputs, &[])
    }

    fn embeddings(&mut self) -> Result<String, Error> {
        let words = self.word_table()?;
        let positions = self.position_table()?;
        let shape = self.op("Shape", &["ids"]);
        let (zero, one, two) = (self.graph.ints(&[0]), self.graph.ints(&[1]), self.graph.ints(&[2]));
        let length = self.op("Slice", &[&shape, &one, &two]);
        let positions = self.op("Slice", &[&positions, &zero, &length, &zero]);
        let sum = self.op("Add", &[&words, &positions]);
        self.layer_norm("embeddings.LayerNorm", &sum)
    }

    /// The vectors of the words. Each row of the table has its own scale.
    fn word_table(&mut self) -> Result<String, Error> {
        let (table, rows) = self.tensor("embeddings.word_embeddings.weight", WIDTH)?;
        if self.precision == Precision::F32 {
            let table = self.graph.floats(&[rows, WIDTH], &table);
            return Ok(self.op("Gather", &[&table, "ids"]));
        }
        let (numbers, scales) = quantise(&table, WIDTH, TABLE_LIMIT);
        let table = self.graph.constant(Type::I8, &[rows, WIDTH], &to_bytes(&numbers));
        let scales = self.graph.floats(&[rows, 1], &scales);
        let words = self.op("Gather", &[&table, "ids"]);
        let words = self
            .graph
            .op("Cast", &[&words], &[Attribute::Int("to", Type::F32 as i64)]);
        let scales = self.op("Gather", &[&scales, "ids"]);
        Ok(self.op("Mul", &[&words, &scales]))
    }

    /// The vectors of the positions, with the one for "first text" added: we never compare pairs of texts.
    fn position_table(&mut self) -> Result<String, Error> {
        let (positions, _) = self.tensor("embeddings.position_embeddings.weight", WIDTH)?;
        let (kinds, _) = self.tensor("embeddings.token_type_embeddings.weight", WIDTH)?;
        let rows = positions.chunks_exact(WIDTH).take(MAX_TOKENS);
        let sum: Vec<f32> = rows
            .flat_map(|row| row.iter().zip(&kinds).map(|(x, y)| x + y))
            .collect();
        Ok(self.graph.floats(&[sum.len() / WIDTH, WIDTH], &sum))
    }

    /// 0 for words and -1e9 for padding, as [batch, 1, 1, length].
    fn attention_bias(&mut self) -> String {
        let (one, masked) = (self.graph.floats(&[], &[1.0]), self.graph.floats(&[], &[MASKED]));
        let padding = self.op("Sub", &[&one, "mask"]);
        let bias = self.op("Mul", &[&padding, &masked]);
        let axes = self.graph.ints(&[1, 2]);
        self.op("Unsqueeze", &[&bias, &axes])
    }

    fn layer(&mut self, prefix: &str, x: &str, bias: &str) -> Result<String, Error> {
        let attended = self.attention(&format!("{prefix}.attention.self"), x, bias)?;
        let attended = self.linear(&format!("{prefix}.attention.output.dense"), &attended)?;
        let x = self.op("Add", &[&attended, x]);
        let x = self.layer_norm(&format!("{prefix}.attention.output.LayerNorm"), &x)?;
        let hidden = self.linear(&format!("{prefix}.intermediate.dense"), &x)?;
        let hidden = self.op("Gelu", &[&hidden]);
        let hidden = self.linear(&format!("{prefix}.output.dense"), &hidden)?;
        let x = self.op("Add", &[&hidden, &x]);
        self.layer_norm(&format!("{prefix}.output.LayerNorm"), &x)
    }

    fn attention(&mut self, prefix: &str, x: &str, bias: &str) -> Result<String, Error> {
        let x = self.operand(x);
        // The scale of the dot products is put into the query's weights: exact, and one operation less.
        let scale = (HEAD_WIDTH as f32).sqrt().recip();
        let query = self.heads(&format!("{prefix}.query"), &x, scale, &[0, 2, 1, 3])?;
        let key = self.heads(&format!("{prefix}.key"), &x, 1.0, &[0, 2, 3, 1])?;
        let value = self.heads(&format!("{prefix}.value"), &x, 1.0, &[0, 2, 1, 3])?;
        let scores = self.op("MatMul", &[&query, &key]);
        let scores = self.op("Add", &[&scores, bias]);
        let scores = self.graph.op("Softmax", &[&scores], &[Attribute::Int("axis", -1)]);
        let mixed = self.op("MatMul", &[&scores, &value]);
        let mixed = self
            .graph
            .op("Transpose", &[&mixed], &[Attribute::Ints("perm", &[0, 2, 1, 3])]);
        let shape = self.graph.ints(&[0, 0, WIDTH as i64]);
        Ok(self.op("Reshape", &[&mixed, &shape]))
    }

    fn heads(&mut self, prefix: &str, x: &Operand, scale: f32, order: &[i64]) -> Result<String, Error> {
        let y = self.scaled_linear(prefix, x, scale)?;
        let shape = self.graph.ints(&[0, 0, HEADS, HEAD_WIDTH]);
        let y = self.op("Reshape", &[&y, &shape]);
        Ok(self.graph.op("Transpose", &[&y], &[Attribute::Ints("perm", order)]))
    }

    /// Prepares a value for one or several matrices.
    fn operand(&mut self, x: &str) -> Operand {
        let quantised = (self.precision == Precision::Int8).then(|| {
            let [numbers, scale, zero] = [self.graph.name(), self.graph.name(), self.graph.name()];
            self.graph
                .node("DynamicQuantizeLinear", &[x], &[&numbers, &scale, &zero], &[]);
            [numbers, scale, zero]
        });
        Operand {
            value: x.to_owned(),
            quantised,
        }
    }

    fn linear(&mut self, prefix: &str, x: &str) -> Result<String, Error> {
        let x = self.operand(x);
        self.scaled_linear(prefix, &x, 1.0)
    }

    /// `scale * (x * weight + bias)`.
    fn scaled_linear(&mut self, prefix: &str, x: &Operand, scale: f32) -> Result<String, Error> {
        let (mut bias, outputs) = self.tensor(&format!("{prefix}.bias"), 1)?;
        let (mut weight, _) = self.tensor(&format!("{prefix}.weight"), 1)?;
        bias.iter_mut().chain(&mut weight).for_each(|number| *number *= scale);
        let inputs = weight.len() / outputs;
        let product = match &x.quantised {
            Some(quantised) => self.whole_product(quantised, &weight, inputs),
            None => {
                let weight = self.graph.floats(&[inputs, outputs], &transpose(&weight, inputs));
                self.op("MatMul", &[&x.value, &weight])
            }
        };
        let bias = self.graph.floats(&[outputs], &bias);
        Ok(self.op("Add", &[&product, &bias]))
    }

    /// The product in whole numbers, scaled back. Each output has its own scale.
    fn whole_product(&mut self, x: &[String; 3], weight: &[f32], inputs: usize) -> String {
        let [numbers, x_scale, x_zero] = x;
        let outputs = weight.len() / inputs;
        let (weight, scales) = quantise(weight, inputs, MATRIX_LIMIT);
        let weight = self
            .graph
            .constant(Type::I8, &[inputs, outputs], &to_bytes(&transpose(&weight, inputs)));
        let zero = self.graph.constant(Type::I8, &[], &[0]);
        let scales = self.graph.floats(&[outputs], &scales);
        let product = self.op("MatMulInteger", &[numbers, &weight, x_zero, &zero]);
        let product = self
            .graph
            .op("Cast", &[&product], &[Attribute::Int("to", Type::F32 as i64)]);
        let scales = self.op("Mul", &[x_scale, &scales]);
        self.op("Mul", &[&product, &scales])
    }

    fn layer_norm(&mut self, prefix: &str, x: &str) -> Result<String, Error> {
        let (gain, width) = self.tensor(&format!("{prefix}.weight"), 1)?;
        let (offset, _) = self.tensor(&format!("{prefix}.bias"), 1)?;
        let (gain, offset) = (self.graph.floats(&[width], &gain), self.graph.floats(&[width], &offset));
        let attributes = [Attribute::Int("axis", -1), Attribute::Float("epsilon", EPSILON)];
        Ok(self.graph.op("LayerNormalization", &[x, &gain, &offset], &attributes))
    }

    /// The mean over the words that are not padding, scaled to length 1.
    fn pool(&mut self, x: &str) {
        let (last, first) = (self.graph.ints(&[-1]), self.graph.ints(&[1]));
        let mask = self.op("Unsqueeze", &["mask", &last]);
        let words = self.op("Mul", &[x, &mask]);
        let sum = self
            .graph
            .op("ReduceSum", &[&words, &first], &[Attribute::Int("keepdims", 0)]);
        let count = self
            .graph
            .op("ReduceSum", &[&mask, &first], &[Attribute::Int("keepdims", 0)]);
        let mean = self.op("Div", &[&sum, &count]);
        let attributes = [Attribute::Int("axis", -1), Attribute::Int("p", 2)];
        self.graph
            .node("LpNormalization", &[&mean], &["embedding"], &attributes);
    }

    /// A tensor's numbers, and how many rows of `width` they make.
    fn tensor(&self, name: &str, width: usize) -> Result<(Vec<f32>, usize), Error> {
        let tensor = self
            .weights
            .tensor(name)
            .map_err(|error| Error::Local(format!("{name}: {error}")))?;
        let bytes = tensor.data();
        if tensor.dtype() != Dtype::F32 || bytes.is_empty() || bytes.len() % (4 * width) != 0 {
            return Err(Error::Local(format!("{name} is not of the expected type or size")));
        }
        let (chunks, _) = bytes.as_chunks::<4>();
        let numbers: Vec<f32> = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let rows = numbers.len() / width;
        Ok((numbers, rows))
    }
}

/// Rounds each row to whole numbers up to `limit` and gives the rows' scales.
fn quantise(rows: &[f32], width: usize, limit: f32) -> (Vec<i8>, Vec<f32>) {
    let largest = |row: &[f32]| row.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    // A row of zeros needs some scale, and any will do.
    let scale = |row: &[f32]| Some(largest(row) / limit).filter(|scale| *scale > 0.0).unwrap_or(1.0);
    let scales: Vec<f32> = rows.chunks_exact(width).map(scale).collect();
    let rounded = rows
        .chunks_exact(width)
        .zip(&scales)
        .flat_map(|(row, scale)| row.iter().map(move |number| (number / scale).round_ties_even() as i8));
    (rounded.collect(), scales)
}

fn to_bytes(numbers: &[i8]) -> Vec<u8> {
    numbers.iter().map(|number| number.cast_unsigned()).collect()
}

/// Rows of `width` become columns.
fn transpose<T: Copy>(rows: &[T], width: usize) -> Vec<T> {
    (0..width)
        .flat_map(|column| rows.iter().skip(column).step_by(width).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_rounded_each_by_its_own_scale() {
        let (numbers, scales) = quantise(&[1.01, -2.0, 0.0, 0.0, 30.0, 15.1], 2, 63.0);
        assert_eq!(numbers, [32, -63, 0, 0, 63, 32]);
        assert_eq!(scales, [2.0 / 63.0, 1.0, 30.0 / 63.0]);
    }

    #[test]
    fn rows_become_columns() {
        assert_eq!(transpose(&[1, 2, 3, 4, 5, 6], 3), [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn other_weights_are_refused() {
        assert!(matches!(build(b"", Precision::Int8), Err(Error::Local(_))));
        let empty = br#"        {}"#;
        assert!(build(empty, Precision::Int8).is_err());
    }
}
