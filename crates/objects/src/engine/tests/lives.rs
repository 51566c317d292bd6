//! Random operations on the engine and on a map, over several lives of a process: closed, killed
//! or cut off from power, with a zone or the index lost.

use super::*;

/// What the engine must hold.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    rows: BTreeMap<Vec<u8>, Bytes>,
    blobs: BTreeMap<BlobId, Blob>,
}

#[derive(Clone, Debug, PartialEq)]
struct Blob {
    bytes: Vec<u8>,
    key: Option<BlobKey>,
}

/// What one change does, as the model knows it.
#[derive(Clone, Debug)]
struct Step {
    rows: Vec<(Vec<u8>, Option<Bytes>)>,
    attach: Option<(BlobId, Blob)>,
    drop: Option<BlobId>,
}

impl Model {
    fn apply(&mut self, step: &Step) {
        for (key, value) in &step.rows {
            match value {
                Some(value) => self.rows.insert(key.clone(), value.clone()),
                None => self.rows.remove(key),
            };
        }
        if let Some((id, blob)) = &step.attach {
            self.blobs.insert(*id, blob.clone());
        }
        if let Some(id) = &step.drop {
            self.blobs.remove(id);
        }
    }

    async fn check(&self, engine: &Engine, seed: u64) -> Result<(), String> {
        let rows: Vec<_> = self.rows.clone().into_iter().collect();
        let held = everything(engine);
        if held != rows {
            return Err(format!("seed {seed}: {held:?} instead of {rows:?}"));
        }
        for (key, value) in &rows {
            let row = engine.get(key).expect("can be read").expect("there");
            assert_eq!(row.value, value, "seed {seed}");
        }
        for (id, Blob { bytes, key }) in &self.blobs {
            let read = read(engine, *id, key.clone(), 0..u64::MAX).await;
            if read.as_ref() != Ok(bytes) {
                return Err(format!("seed {seed}: {id:?} {:?}", read.err()));
            }
        }
        Ok(())
    }
}

const LIVES: u64 = 5;
const STEPS: u64 = 60;

#[tokio::test]
async fn a_map_and_the_engine_are_the_same_over_many_lives() {
    let seeds = if std::env::var_os("HANEUL_SOAK").is_some() { 0..3000 } else { 0..100 };
    for seed in seeds {
        lives(seed).await;
    }
}

async fn lives(seed: u64) {
    // Real syncs of the index's file take most of the time.
    let machine = Machine { file: seed.is_multiple_of(10), ..Machine::new(seed) };
    let mut random = seed;
    let mut model = Model::default();
    // A change of which nobody knows whether it happened.
    let mut unknown: Option<Step> = None;
    // The zone whose extents were lost and may not be mended yet.
    let mut wiped: Option<usize> = None;
    for life in 0..LIVES {
        if one_in(4, &mut random) {
            let _ = std::fs::remove_file(machine.index());
        }
        let (engine, _) = machine.open(small());
        if let Some(step) = unknown.take() {
            let mut happened = model.clone();
            happened.apply(&step);
            if happened.check(&engine, seed).await.is_ok() {
                model = happened;
            }
        }
        model.check(&engine, seed).await.unwrap_or_else(|why| panic!("life {life}, {why}"));
        let cut = one_in(3, &mut random);
        if cut {
            machine.power.fail_after(draw(&mut random) % 400);
        }
        for _ in 0..draw(&mut random) % STEPS {
            let (step, made) = change(&engine, &model, &mut random).await;
            match made {
                Ok(()) => model.apply(&step),
                Err(CommitError::Unavailable(_)) => assert!(cut, "seed {seed}"),
                Err(CommitError::Unknown(_)) => {
                    assert!(cut, "seed {seed}");
                    unknown = Some(step);
                }
                Err(other) => panic!("seed {seed}: {other}"),
            }
            if machine.power.failed() || unknown.is_some() {
                break;
            }
            keep(&engine, &mut random).await;
        }
        if !cut && one_in(2, &mut random) {
            let report = engine.scrub().await.expect("can be looked at");
            assert_eq!(report.not_mended, 0, "seed {seed}: {report:?}");
            assert_eq!(report.index_damage, None, "seed {seed}: no alarm without a fire");
            wiped = None;
        }
        if cut || one_in(2, &mut random) {
            kill(engine).await;
        } else {
            model.check(&engine, seed).await.unwrap_or_else(|why| panic!("life {life}, {why}"));
            close(engine).await;
        }
        if cut {
            machine.cut_power();
        }
        if one_in(4, &mut random) {
            machine.disks[size(&mut random, 3)].wipe();
        }
        if one_in(4, &mut random) {
            let zone = *wiped.get_or_insert_with(|| size(&mut random, 3));
            machine.extents[zone].wipe();
        }
    }
}

/// What the tender does now and then. It may fail where the power has.
async fn keep(engine: &Engine, random: &mut u64) {
    let shared = engine.shared();
    if one_in(8, random) {
        let _ = shared.compact().await;
    }
    if one_in(8, random) {
        let mut keeping = crate::keeping::Keeping::default();
        let _ = shared.collect_after(&mut keeping, std::time::Duration::ZERO).await;
    }
    if one_in(30, random) {
        let _ = shared.scrub(None).await;
    }
}

async fn change(
    engine: &Engine,
    model: &Model,
    random: &mut u64,
) -> (Step, Result<(), CommitError>) {
    let mut step = Step { rows: Vec::new(), attach: None, drop: None };
    for _ in 0..draw(random) % 4 {
        let key = format!("k/{}", draw(random) % 24).into_bytes();
        let value = (!one_in(4, random)).then(|| Bytes::from(vec![b'v'; size(random, 200)]));
        step.rows.push((key, value));
    }
    let blob = match draw(random) % 3 {
        0 => {
            let most = if one_in(4, random) { 300_000 } else { 3000 };
            let bytes = size(random, most);
            let bytes = vec![draw(random).to_le_bytes()[0]; bytes];
            let key = one_in(2, random).then_some(BlobKey([7; 32]));
            match write(engine, &bytes, key.clone()).await {
                Ok(blob) => {
                    step.attach = Some((blob.id(), Blob { bytes, key }));
                    Some(blob)
                }
                Err(error) => return (step, Err(CommitError::Unavailable(error.to_string()))),
            }
        }
        _ => None,
    };
    if one_in(4, random) {
        step.drop = model.blobs.keys().nth(size(random, 8)).copied();
    }
    let doing = step.clone();
    let made = engine.commit(|change| {
        assert!(everything(change).iter().map(|(key, _)| key).eq(model.rows.keys()));
        for (key, value) in doing.rows {
            match value {
                Some(value) => change.set(key, value),
                None => change.remove(key),
            }
        }
        if let Some(blob) = blob {
            change.attach(blob);
        }
        if let Some(id) = doing.drop {
            change.drop_blob(id);
        }
        Ok::<_, std::convert::Infallible>(())
    });
    let made = made.await;
    (step, made.map(|Ok(())| ()))
}

fn size(random: &mut u64, most: u64) -> usize {
    usize::try_from(draw(random) % most).expect("small")
}

fn one_in(many: u64, random: &mut u64) -> bool {
    draw(random).is_multiple_of(many)
}
