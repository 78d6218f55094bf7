//! spiral points.csv model.safetensors: trains on the points, tells how many it knows, saves.
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

// What spiral.json says of the functions and of the struct of rows.
#[repr(C)]
struct Model {
    _opaque: [u8; 0],
}
#[repr(C)]
struct Column<T> {
    data: *const T,
    stride: i64,
}
#[repr(C)]
struct Points {
    rows: i64,
    x: Column<f32>,
    arm: Column<i32>,
}
type Callback = extern "C" fn(user: *mut c_void, report: *const c_void) -> c_int;
extern "C" {
    fn spiral_new(out: *mut *mut Model, options: *const c_void) -> c_int;
    fn spiral_fit(m: *mut Model, train: *const Points, valid: *const Points, callback: Option<Callback>, user: *mut c_void) -> c_int;
    fn spiral_predict(m: *const Model, data: *const Points, out: *mut f32, workspace: *mut c_void) -> c_int;
    fn spiral_save(m: *const Model, path: *const c_char) -> c_int;
    fn spiral_strerror(status: c_int) -> *const c_char;
    fn spiral_free(m: *mut Model);
}

struct Spiral(*mut Model);
impl Drop for Spiral {
    fn drop(&mut self) {
        unsafe { spiral_free(self.0) }
    }
}

fn check(status: c_int) -> Result<(), String> {
    if status == 0 {
        return Ok(());
    }
    Err(unsafe { CStr::from_ptr(spiral_strerror(status)) }.to_string_lossy().into_owned())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let (mut x, mut arm) = (Vec::<[f32; 2]>::new(), Vec::<i32>::new());
    for line in std::fs::read_to_string(&arguments[1])?.lines().skip(1) {
        let mut values = line.split(',');
        let mut next = || values.next().unwrap_or("");
        x.push([next().parse()?, next().parse()?]);
        arm.push(next().parse()?);
    }

    let mut model = Spiral(null_mut());
    let points = Points {
        rows: arm.len() as i64,
        x: Column { data: x.as_ptr().cast(), stride: 8 },
        arm: Column { data: arm.as_ptr(), stride: 4 },
    };
    let mut scores = vec![[0f32; 3]; arm.len()];
    unsafe {
        check(spiral_new(&mut model.0, null()))?;
        check(spiral_fit(model.0, &points, null(), None, null_mut()))?;
        check(spiral_predict(model.0, &points, scores.as_mut_ptr().cast(), null_mut()))?;
        check(spiral_save(model.0, CString::new(arguments[2].as_str())?.as_ptr()))?;
    }
    let largest = |score: &[f32; 3]| (0..3).rev().max_by(|&i, &k| score[i].total_cmp(&score[k])).unwrap_or(0);
    let right = scores.iter().zip(&arm).filter(|(score, arm)| largest(score) as i32 == **arm).count();
    println!("{} of {}", right, arm.len());
    Ok(())
}
