use phenocopy::embedding::{
    Centring, Embeddings, Neighbour, RowSet, TopK, check_query, scan, scan_batch, similarity,
    similarity_matrix,
};
use phenocopy::experiment::Side;
use proptest::prelude::*;

fn unit_rows(n_rows: usize, dim: usize) -> impl Strategy<Value = Vec<f32>> {
    // A last number that is never zero keeps every row away from zero.
    let row = prop::collection::vec(-1.0_f32..1.0, dim - 1)
        .prop_flat_map(|head| (Just(head), prop_oneof![-1.0_f32..-0.1, 0.1_f32..1.0]));
    prop::collection::vec(row, n_rows).prop_map(move |rows| {
        let values = rows.into_iter().flat_map(|(head, last)| head.into_iter().chain([last]));
        Embeddings::from_rows(values.collect(), dim).unwrap().into_values()
    })
}

fn naive_top_k(
    vectors: &[f32],
    dim: usize,
    query: &[f32],
    allowed: &RowSet,
    k: usize,
) -> Vec<Neighbour> {
    let mut all: Vec<Neighbour> = vectors
        .chunks(dim)
        .zip(0..)
        .filter(|(_, row)| allowed.contains(*row))
        .map(|(vector, row)| Neighbour { row, similarity: similarity(query, vector) })
        .collect();
    all.sort();
    all.truncate(k);
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_scan_is_a_full_sort_cut_at_k(
        (dim, vectors, chosen, k) in (2..40_usize, 1..70_usize).prop_flat_map(|(dim, n_rows)| (
            Just(dim),
            unit_rows(n_rows, dim),
            prop::collection::vec(any::<bool>(), n_rows),
            0..n_rows + 3,
        )),
    ) {
        let n_rows = vectors.len() / dim;
        let query = &vectors[..dim];
        let mut allowed = RowSet::new(n_rows);
        chosen.iter().zip(0..).filter(|(is_in, _)| **is_in).for_each(|(_, row)| {
            allowed.insert(row);
        });
        let full = RowSet::full(n_rows);
        let expected = naive_top_k(&vectors, dim, query, &full, k);
        prop_assert_eq!(scan(&vectors, dim, query, None, k), expected.clone());
        let filtered = naive_top_k(&vectors, dim, query, &allowed, k);
        prop_assert_eq!(scan(&vectors, dim, query, Some(&allowed), k), filtered.clone());
        prop_assert_eq!(&scan_batch(&vectors, dim, &vectors, None, k)[0], &expected);
        prop_assert_eq!(&scan_batch(&vectors, dim, &vectors, Some(&allowed), k)[0], &filtered);
    }

    #[test]
    fn a_row_set_is_a_set(rows in prop::collection::btree_set(0..500_u32, 0..200), cut in 0..500_usize) {
        let mut set = RowSet::new(500);
        for row in &rows {
            prop_assert!(set.insert(*row));
            prop_assert!(!set.insert(*row));
        }
        prop_assert_eq!(set.len(), rows.len());
        prop_assert!(set.iter().eq(rows.iter().copied()));
        let head = set.intersect(&RowSet::from_ranges(500, [0..cut]));
        prop_assert!(head.iter().eq(rows.iter().copied().filter(|row| (*row as usize) < cut)));
        let tail = set.slice(cut..500);
        let shifted = rows.iter().filter(|row| **row as usize >= cut).map(|row| row - cut as u32);
        prop_assert!(tail.iter().eq(shifted));
    }
}

#[test]
fn rows_beyond_the_capacity_of_a_set_are_left_out() {
    let mut set = RowSet::from_ranges(10, [8..20]);
    assert!(!set.insert(10) && !set.insert(u32::MAX) && !set.contains(u32::MAX));
    assert_eq!(set.len(), 2);
}

#[test]
fn bad_rows_are_refused_by_number() {
    let message =
        |values: Vec<f32>, dim| Embeddings::from_rows(values, dim).unwrap_err().to_string();
    assert!(message(vec![1.0, 0.0, 0.0, 0.0], 2).contains("row 1"));
    assert!(message(vec![1.0, 0.0, f32::NAN, 0.0], 2).contains("row 1: it holds NaN"));
    assert!(message(vec![f32::INFINITY, 0.0], 2).contains("row 0"));
    assert!(message(vec![1.0, 0.0, 1.0], 2).contains("3 numbers are not rows of 2"));
    assert!(message(vec![], 2).contains("0 numbers"));
    assert!(message(vec![1.0], 0).contains("rows of 0"));
}

#[test]
fn huge_and_tiny_rows_become_unit() {
    let embeddings = Embeddings::from_rows(vec![3e30, 4e30, 3e-30, 4e-30], 2).unwrap();
    let expected = [0.6, 0.8, 0.6, 0.8_f32];
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
    assert!(embeddings.values().iter().zip(&expected).all(close), "{embeddings:?}");
}

#[test]
fn the_similarity_of_joined_rows_is_the_mean_of_the_members_cosines() {
    use Side::{Chemical, Genetic};
    let sides = [Chemical, Genetic, Chemical, Genetic, Genetic];
    let member = |seed: u32| -> Vec<f32> {
        (0..15).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 7.0 + seed as f32).collect()
    };
    let members = [member(1), member(2), member(3)];
    let joined = Embeddings::join(&members, 3, &sides).unwrap();
    assert_eq!((joined.n_rows(), joined.dim()), (5, 9));
    let centred = |member: &[f32], row: usize| -> Vec<f64> {
        let same: Vec<usize> = (0..5).filter(|other| sides[*other] == sides[row]).collect();
        (0..3)
            .map(|d| {
                let sum: f64 = same.iter().map(|other| f64::from(member[other * 3 + d])).sum();
                f64::from(member[row * 3 + d]) - sum / same.len() as f64
            })
            .collect()
    };
    let cosine = |a: &[f64], b: &[f64]| {
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    for (a, b) in [(0, 1), (0, 2), (1, 4), (3, 3)] {
        let mean: f64 =
            members.iter().map(|m| cosine(&centred(m, a), &centred(m, b))).sum::<f64>() / 3.0;
        let found = f64::from(similarity(joined.row(a), joined.row(b)));
        assert!((found - mean).abs() < 1e-5, "rows {a} and {b}: {found}, not {mean}");
    }
}

#[test]
fn a_later_query_goes_through_the_same_map() {
    let sides = [Side::Chemical, Side::Chemical, Side::Genetic, Side::Genetic];
    let members = [vec![1.0, 2.0, 3.0, 5.0, -1.0, 0.5, 2.0, 2.5]];
    let centring = Centring::fit(&members, 2, &sides).unwrap();
    let joined = centring.join(&members, &sides).unwrap();
    let chemical = centring.means(Side::Chemical).to_vec();
    let restored =
        Centring::from_means(2, chemical, centring.means(Side::Genetic).to_vec()).unwrap();
    let query = restored.apply(Side::Genetic, &[&members[0][6..8]], 3).unwrap();
    assert_eq!(query, joined.row(3));
    assert!(restored.apply(Side::Genetic, &[&[0.0]], 0).is_err());
}

#[test]
fn members_of_different_size_cannot_be_joined() {
    let sides = [Side::Chemical, Side::Genetic];
    let error = Embeddings::join(&[vec![1.0; 4], vec![1.0; 3]], 2, &sides).unwrap_err();
    assert!(error.to_string().contains("member 1 of the ensemble: it has 3 numbers"));
    assert!(Embeddings::join(&[], 2, &sides).is_err());
}

#[test]
fn rows_equal_to_their_sides_mean_are_refused_by_number() {
    let sides = [Side::Chemical, Side::Chemical, Side::Genetic];
    let error = Embeddings::join(&[vec![1.0, 2.0, 1.0, 2.0, 0.0, 1.0]], 2, &sides).unwrap_err();
    assert!(error.to_string().contains("row 0"), "{error}");
}

#[test]
fn bad_queries_are_refused_and_find_nothing() {
    let vectors = [1.0, 0.0, 0.0, 1.0];
    for query in [&[1.0][..], &[1.0, f32::NAN], &[f32::INFINITY, 0.0], &[]] {
        assert!(check_query(query, 2).is_err());
        assert!(scan(&vectors, 2, query, None, 5).is_empty());
    }
    assert!(scan(&vectors, 0, &[], None, 5).is_empty());
    assert!(scan(&vectors, 2, &[1.0, 0.0], Some(&RowSet::new(2)), 5).is_empty());
}

#[test]
fn ties_go_to_the_lower_row() {
    let vectors = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
    let rows: Vec<u32> =
        scan(&vectors, 2, &[1.0, 0.0], None, 2).iter().map(|hit| hit.row).collect();
    assert_eq!(rows, [1, 2]);
    let mut top = TopK::new(1);
    for row in [2, 0, 1] {
        top.offer(Neighbour { row, similarity: 0.5 });
    }
    assert_eq!(top.into_sorted()[0].row, 0);
}

#[test]
fn the_thread_count_does_not_change_a_bit() {
    let values: Vec<f32> = (0..64 * 100).map(|i| ((i * 7919) % 1013) as f32 - 506.0).collect();
    let embeddings = Embeddings::from_rows(values, 64).unwrap();
    let matrix = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| similarity_matrix(embeddings.values(), 64, embeddings.values()))
    };
    assert_eq!(matrix(1), matrix(5));
}
