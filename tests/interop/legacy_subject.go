// Allocates in known places and writes what the Go runtime recorded, in both of its forms.
//
//	legacy_subject RATE TEXT PROTOBUF
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
)

var kept [][]byte
var words []string
var index = map[int]*node{}

type node struct {
	key  int
	data [40]int64
}

func inlined(size int) []byte { return make([]byte, size) }

//go:noinline
func parse(i int) {
	kept = append(kept, inlined(100+i%7*300))
	words = append(words, string(make([]byte, 20+i%50)))
}

//go:noinline
func load(i int) { index[i] = &node{key: i} }

//go:noinline
func visit(depth int, f func()) {
	if depth > 0 {
		visit(depth-1, f)
	} else {
		f()
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func write(path string, debug int) {
	file, err := os.Create(path)
	check(err)
	check(pprof.Lookup("heap").WriteTo(file, debug))
	check(file.Close())
}

func main() {
	rate, err := strconv.Atoi(os.Args[1])
	check(err)
	runtime.MemProfileRate = rate
	for i := 0; i < 2000; i++ {
		parse(i)
		load(i)
		visit(i%4, func() { kept = append(kept, make([]byte, 8000)) })
		if i%3 == 0 {
			kept = kept[:len(kept)/2]
		}
	}
	done := make(chan bool)
	go func() { parse(1); done <- true }()
	<-done
	debug.SetGCPercent(-1) // what is written is as of the last collection: both forms after one
	runtime.GC()
	runtime.GC()
	write(os.Args[2], 1)
	write(os.Args[3], 0)
}
