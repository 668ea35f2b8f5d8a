// Allocates in what Rust has of its own: vectors and strings that grow, boxed closures and trait objects, threads and their
// ends, panics that unwind through destructors which allocate, and through frames of C.
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::panic;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

// The optimizer must believe that the value is used.
fn keep<T>(value: T) {
    unsafe { std::ptr::read_volatile(&&value as *const &T) };
}

struct AllocatesAtEnd(usize);

impl Drop for AllocatesAtEnd {
    fn drop(&mut self) {
        let mut text = "d".repeat(self.0 + 30);
        text.push_str("at the end");
        keep(&text);
    }
}

thread_local! {
    static OF_THREAD: RefCell<AllocatesAtEnd> = RefCell::new(AllocatesAtEnd(100));
}

trait Shape {
    fn name(&self, depth: usize) -> String;
}

struct Square;
struct Round(Vec<u8>);

impl Shape for Square {
    fn name(&self, depth: usize) -> String {
        if depth == 0 { format!("{:>60}", "square") } else { self.name(depth - 1) + "x" }
    }
}

impl Shape for Round {
    fn name(&self, depth: usize) -> String {
        format!("{:?} {}", self.0, depth)
    }
}

#[inline(never)]
fn panics(depth: usize) -> usize {
    let held = AllocatesAtEnd(depth);
    if depth == 0 {
        panic!("{}", "p".repeat(100));
    }
    panics(depth - 1) + held.0
}

extern "C" {
    fn qsort(base: *mut i32, count: usize, size: usize, compare: extern "C" fn(*const i32, *const i32) -> i32);
    fn bsearch(key: *const i32, base: *const i32, count: usize, size: usize, compare: extern "C" fn(*const i32, *const i32) -> i32) -> *const i32;
}

extern "C" fn compare(a: *const i32, b: *const i32) -> i32 {
    keep(vec![0u8; 77]);
    unsafe { *a - *b }
}

fn catches() {
    for depth in 0..12 {
        let result = panic::catch_unwind(|| panics(depth));
        keep(result.unwrap_err().downcast::<String>().unwrap());
    }
}

fn collects() {
    let mut map: HashMap<String, Vec<usize>> = HashMap::new();
    let mut tree = BTreeMap::new();
    for i in 0..60 {
        map.entry(format!("key {}", i % 13)).or_default().push(i);
        tree.insert(i * 7 % 61, Box::new([i; 20]));
    }
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square), Box::new(Round(vec![1, 2, 3]))];
    let mut names: Vec<String> = shapes.iter().map(|shape| shape.name(9)).collect();
    let calls: Vec<Box<dyn Fn(&str) -> String>> = vec![Box::new(|a| a.repeat(9)), Box::new(|a| a.to_uppercase())];
    names.extend(calls.iter().map(|call| call("text")));
    names.sort_by_key(|name| name.to_lowercase());
    let mut numbers = [5, 3, 9, 1, 7];
    unsafe {
        qsort(numbers.as_mut_ptr(), 5, 4, compare);
        bsearch(&7, numbers.as_ptr(), 5, 4, compare);
    }
    keep((map, tree, names, numbers));
}

fn main() {
    panic::set_hook(Box::new(|info| {
        keep(format!("{}", info));
    }));
    collects();
    catches();
    let (sender, receiver) = mpsc::channel();
    let shared = Arc::new(Mutex::new(Vec::new()));
    for i in 0..3 {
        let (sender, shared) = (sender.clone(), shared.clone());
        let thread = thread::Builder::new().name(format!("worker {}", i)).spawn(move || {
            OF_THREAD.with(|object| object.borrow_mut().0 += i);
            catches();
            collects();
            shared.lock().unwrap().push("s".repeat(i + 10));
            sender.send(vec![i; 100]).unwrap();
            panics(i)
        });
        keep(thread.unwrap().join().unwrap_err());
    }
    drop(sender);
    keep(receiver.iter().collect::<Vec<_>>());
}
