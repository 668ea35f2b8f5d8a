//! What tests/interop/symbols_forms.sh looks up in a Rust program.
use std::collections::HashMap;
mod store {
    pub trait Grow { fn grow(&self, n: usize) -> Vec<u8>; }
    pub struct Cache<T> { pub items: Vec<T> }
    impl<T: Clone> Cache<T> {
        #[inline(never)]
        pub fn insert(&mut self, item: T) { self.items.push(item.clone()); self.items.push(item); }
    }
    pub struct Big;
    impl Grow for Big {
        #[inline(never)]
        fn grow(&self, n: usize) -> Vec<u8> { vec![1; n * 3] }
    }
}
use store::Grow;
#[inline(never)]
fn closure_user<F: Fn(usize) -> usize>(f: F) -> usize { f(3) + f(4) }
fn main() {
    let n = std::env::args().count();
    let mut cache = store::Cache { items: Vec::new() };
    cache.insert(String::from("a"));
    let big = store::Big;
    let v = big.grow(n);
    let mut map = HashMap::new();
    map.insert(n, v.len());
    println!("{} {} {:?}", cache.items.len(), closure_user(|x| { x * n }), map);
}
