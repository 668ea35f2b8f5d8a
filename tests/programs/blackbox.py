"""The black box, killed. Arguments: what to test. Exit 0, 77 where something that is needed is not here."""
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ["HEAPTAP_SOURCE"], "tests/programs"))
from profile_reader import Profile  # noqa: E402

BUILD = os.environ["HEAPTAP_BUILD"]
LIBRARY = os.path.join(BUILD, "libheaptap.so")
HEAPTAP = os.path.join(BUILD, "heaptap")
WORK = sys.argv[1]
SUBJECT = os.path.join(WORK, "subject")
BOXES = os.path.join(WORK, "boxes")
THREADS = 4


def environment(rate=1, box="%p", **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("HEAPTAP_")}
    path = box if box.startswith("/") else f"{BOXES}/{box}"
    env.update(LD_PRELOAD=LIBRARY, HEAPTAP_MEMPROFILERATE=str(rate), HEAPTAP_BLACKBOX=path, **more)
    return env


def start(*arguments, words=("ready",), env=None, **options):
    """The process, when it has said its words."""
    process = subprocess.Popen([SUBJECT, *arguments], stdout=subprocess.PIPE, text=True, env=env or environment(),
                               **options)
    expected = set(words)
    while expected:
        line = process.stdout.readline()
        assert line, f"{arguments} ended before it was ready"
        expected.discard(line.strip())
        if line.startswith("child "):
            process.child = int(line.split()[1])
    return process


def kill(process):
    process.kill()
    process.wait()
    process.stdout.close()


def recover(path, *options):
    """(the profile or None, what was said)."""
    out = os.path.join(WORK, "recovered.pb.gz")
    if os.path.exists(out):
        os.unlink(out)
    run = subprocess.run([HEAPTAP, "recover", *options, "-o", out, path], capture_output=True, text=True)
    assert run.returncode in (0, 2), (run.returncode, run.stderr)
    if run.returncode == 2:
        assert run.stderr.count("\n") == 1 and path in run.stderr, run.stderr
        assert not os.path.exists(out)
        return None, run.stderr
    assert not run.stderr, run.stderr
    return Profile(out), ""


def good(path, *options):
    profile, said = recover(path, *options)
    assert profile, said
    return profile


def box_of(process):
    return os.path.join(BOXES, str(process.pid))


def shape(profile):
    """What a profile says, whatever its ids and its order."""
    def label(key, value):
        return profile.strings[key], value if profile.strings[key] == "bytes" else profile.strings[value]
    stacks = {}
    for sample in profile.samples:
        key = (tuple(profile.addresses[i] for i in sample.locations),
               tuple(sorted(label(*pair) for pair in sample.labels.items())))
        assert key not in stacks, "one stack twice"
        stacks[key] = tuple(sample.values)
    mappings = [tuple(m.get(i, 0) if i < 5 else profile.strings[m.get(i, 0)] for i in range(2, 7))
                for m in profile.mappings]
    return stacks, mappings, profile.period, profile.types


MOVING = ("heaptap_rate", "heaptap_recovered", "heaptap_recovered_samples")


def comments(profile):
    return {c for c in profile.comments if c.split("=")[0] not in MOVING}


def test_exact():
    """Nothing moves: the recovered profile is the live one, to the last comment."""
    live_path = os.path.join(WORK, "live.pb.gz")
    for rate in (1, 4096):
        process = start("dumped", live_path, env=environment(rate, HEAPTAP_LABELS=""))
        time.sleep(1.3)  # a beat
        _, said = recover(box_of(process))
        assert "still runs" in said, said
        kill(process)
        live, recovered = Profile(live_path), good(box_of(process))
        ours, theirs = shape(recovered), shape(live)
        if rate == 1:
            assert ours == theirs
        else:
            assert ours[1:] == theirs[1:] and ours[0].keys() == theirs[0].keys()
            assert all(abs(a - b) <= 1 + b * 1e-9 for key in ours[0] for a, b in zip(ours[0][key], theirs[0][key]))
        assert recovered.total("alloc_objects") > (10000 if rate == 1 else 100)
        labels = {recovered.strings[v] for s in recovered.samples for k, v in s.labels.items()
                  if recovered.strings[k] == "round"}
        assert labels == {str(i) for i in range(8)}, labels
        assert comments(recovered) == comments(live), comments(recovered) ^ comments(live)
        assert recovered.comment("recovered") == "killed"
        os.unlink(box_of(process))
    with open(live_path, "rb") as file:
        assert subprocess.run(["go", "tool", "pprof", "-raw", os.path.join(WORK, "recovered.pb.gz")],
                              stdin=file, capture_output=True).returncode == 0


def check_progress(profile, path):
    """What each thread had done, and what it was at."""
    with open(path, "rb") as file:
        numbers = struct.unpack("8Q" * THREADS, file.read(64 * THREADS))
    for thread in range(THREADS):
        alloc_begun, alloc_done, free_begun, free_done = numbers[8 * thread:8 * thread + 4]
        size = (1024, 2048, 3072, 6144)[thread]
        allocs = profile.total("alloc_objects", size)
        frees = allocs - profile.total("inuse_objects", size)
        assert alloc_done <= allocs <= alloc_begun, (thread, alloc_done, allocs, alloc_begun)
        assert free_done <= frees <= free_begun, (thread, free_done, frees, free_begun)


def test_kills(count):
    """At any moment, while the program starts too."""
    rand = random.Random(4)
    recovered = samples = 0
    progress = os.path.join(WORK, "progress")
    for i in range(count):
        if os.path.exists(progress):
            os.unlink(progress)
        process = subprocess.Popen([SUBJECT, "load", progress], stdout=subprocess.DEVNULL, env=environment())
        time.sleep(rand.uniform(0, 0.02) if i % 4 == 0 else rand.uniform(0.01, 0.08))
        process.kill()
        process.wait()
        path = box_of(process)
        if not os.path.exists(path):
            continue
        profile, said = recover(path)
        os.unlink(path)
        if not profile:
            assert "not a black box" in said or "no comments yet" in said, said
            continue
        recovered += 1
        samples += profile.total("alloc_objects")
        if os.path.exists(progress) and os.path.getsize(progress):
            check_progress(profile, progress)
    print(f"{recovered} of {count} recovered, {samples / max(recovered, 1):.0f} samples each")
    assert recovered > count // 2 and samples > 1000 * recovered


def test_forking(count):
    """Children of a program with threads, each with a box of its own; the parent is killed at any moment."""
    rand = random.Random(5)
    children = begun = 0
    progress = os.path.join(WORK, "progress")
    for _ in range(count):
        if os.path.exists(progress):
            os.unlink(progress)
        process = start("forking", progress)
        time.sleep(rand.uniform(0.05, 0.3))
        kill(process)
        check_progress(good(box_of(process)), progress)
        os.unlink(box_of(process))
        for name in os.listdir(BOXES):
            path = os.path.join(BOXES, name)
            profile, said = recover(path, "--copied")  # the last one may still run
            os.unlink(path)
            if profile and profile.total("alloc_objects", 9472) == 100:
                children += 1
            elif not profile:
                assert "no comments yet" in said or "not a black box" in said or said.count("add up"), said
                begun += 1
    print(f"{children} children, {begun} that had just begun")
    assert children > count // 2 and begun <= 2 * count


def test_fork():
    process = start("fork", WORK, words=("ready", "ready child"))
    time.sleep(1.3)
    boxes = {process.pid, process.child}
    assert {int(name) for name in os.listdir(BOXES)} == boxes
    os.kill(process.child, signal.SIGKILL)
    kill(process)
    time.sleep(0.1)
    for name, pid in (("parent", process.pid), ("child", process.child)):
        live, recovered = Profile(os.path.join(WORK, name + ".pb.gz")), good(os.path.join(BOXES, str(pid)))
        assert shape(live) == shape(recovered), name
        assert comments(live) == comments(recovered), comments(live) ^ comments(recovered)
        own, other = (3072, 5376) if name == "parent" else (5376, 3072)
        assert recovered.total("alloc_objects", own) == 2000 and recovered.total("alloc_objects", other) == 0
        assert recovered.total("alloc_objects", 112) >= 2000
        assert recovered.total("inuse_objects", 112) - (1000 if name == "parent" else 0) < 10
    for pid in boxes:
        os.unlink(os.path.join(BOXES, str(pid)))


def test_old_kernel():
    """Before Linux 5.14: the file is found again by its path, wherever the program has gone, and grows."""
    live_path = os.path.join(WORK, "live.pb.gz")
    boxed = os.path.relpath(BOXES)
    process = subprocess.Popen([SUBJECT, "old-kernel", SUBJECT, "dump-many", live_path],
                               env=environment(box="%p") | {"HEAPTAP_BLACKBOX": boxed + "/%p"}, stderr=subprocess.PIPE)
    said = process.communicate()[1].decode()
    assert process.returncode == 0 and not said, said
    live, recovered = Profile(live_path), good(box_of(process))
    assert live.comment("dropped_memory") == "0" and os.stat(box_of(process)).st_blocks > 10000
    assert shape(live)[0].keys() <= shape(recovered)[0].keys()
    os.unlink(box_of(process))


def test_ends():
    """What is left of processes that ended by themselves."""
    run = subprocess.run([SUBJECT, "forks"], env=environment(), capture_output=True, text=True)
    assert run.returncode == 0 and not run.stderr, run.stderr
    ends = {}
    for name in os.listdir(BOXES):
        ends.setdefault(good(os.path.join(BOXES, name)).comment("recovered"), []).append(name)
        os.unlink(os.path.join(BOXES, name))
    # closed: the first process, and the one that the last child became; killed: the one that ended by _exit
    assert {key: len(names) for key, names in ends.items()} == {"closed": 2, "killed": 1}, ends
    # without a pid in the name the file is the first process's alone
    run = subprocess.run([SUBJECT, "forks"], env=environment(box="one"), capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr.count("\n") == 1 and "File exists" in run.stderr, run.stderr
    assert good(os.path.join(BOXES, "one")).comment("recovered") == "closed"
    os.unlink(os.path.join(BOXES, "one"))
    # not followed: the child has none
    process = start("fork", WORK, words=("ready", "ready child"), env=environment(HEAPTAP_FOLLOW_FORK="0"))
    assert os.listdir(BOXES) == [str(process.pid)]
    os.kill(process.child, signal.SIGKILL)
    kill(process)
    assert good(box_of(process)).total("alloc_objects", 5376) == 0
    os.unlink(box_of(process))


def test_plugin():
    process = start("plugin", os.path.join(WORK, "plugin.so"))
    kill(process)
    profile = good(box_of(process))
    os.unlink(box_of(process))
    names = [profile.strings[m.get(5, 0)] for m in profile.mappings]
    hits = {}
    for sample in profile.samples:
        size = sample.labels[profile.strings.index("bytes")]
        if size in (8192, 12288):
            hits[size // 1000] = hits.get(size // 1000, 0) + sample.values[0]
            mapping = profile.addresses[sample.locations[0]][1]
            assert mapping and names[mapping - 1].endswith("plugin.so"), (size, mapping, names)
    assert hits == {8: 3, 12: 1}, hits


def test_torn():
    """Truncated, of another boot, not ours: refused, and why is said."""
    process = start("load", os.path.join(WORK, "progress"), env=environment(HEAPTAP_TABLE_MAX="4MiB"))
    path, size = box_of(process), os.path.getsize(box_of(process))
    time.sleep(0.02)
    with open(path, "rb") as file:
        older = file.read()
    time.sleep(0.5)
    kill(process)
    with open(path, "rb") as file:
        bytes_ = file.read()
    boot = bytes_.index(open("/proc/sys/kernel/random/boot_id", "rb").read().strip())
    assert good(path)

    def damaged(content, *options):
        copy = os.path.join(WORK, "copy")
        with open(copy, "wb") as file:
            file.write(content)
        return recover(copy, *options)

    for length in (0, 7, 100, 65535, 65536, 70000, size // 2, size - 1):
        profile, said = damaged(bytes_[:length])
        assert not profile and ("truncated" in said or "not a black box" in said) and "byte" in said, (length, said)
    profile, said = damaged(bytes_[:boot] + b"x" + bytes_[boot + 1:])
    assert not profile and "torn header at byte" in said, said
    profile, said = damaged(os.urandom(100000))
    assert not profile and "not a black box" in said, said
    # a page that was never written back, of each region
    pages = 0
    for at in range(65536, size, 4096):
        if any(bytes_[at:at + 4096]):
            profile, said = damaged(bytes_[:at] + bytes(4096) + bytes_[at + 4096:])
            assert not profile and "at byte" in said, (at, said)
            pages += 1
    # a page that is older than the others; the first, with the counters, and all behind the header
    for at in range(0, size, 4096):
        if older[at:at + 4096] != bytes_[at:at + 4096] and (at == 0 or at >= 65536):
            profile, said = damaged(bytes_[:at] + older[at:at + 4096] + bytes_[at + 4096:])
            assert not profile and "at byte" in said, (at, said)
            pages += 1
    assert pages > 10, pages
    run = subprocess.run([HEAPTAP, "recover", os.path.join(WORK, "none")], capture_output=True, text=True)
    assert run.returncode == 2 and "No such file" in run.stderr
    os.unlink(path)


def test_refusals():
    """What cannot be had is one line, and the program goes on with its profile in memory."""
    live_path = os.path.join(WORK, "live.pb.gz")
    for box, why in (("/nowhere/at/all/%p", "No such file"), (SUBJECT, "File exists"), ("/proc/%p.box", "")):
        process = start("dumped", live_path, env=environment(box=box), stderr=subprocess.PIPE)
        kill(process)
        said = process.stderr.read()
        assert said.count("\n") == 1 and "cannot make black box" in said and why in said, said
        assert Profile(live_path).total("alloc_objects") > 1000
    bad = subprocess.run([SUBJECT], env=environment(box="%n"), capture_output=True, text=True)
    assert bad.returncode == 0 and "bad value" in bad.stderr, bad.stderr
    target = os.path.join(WORK, "target")
    os.symlink(target, os.path.join(BOXES, "link"))
    linked = subprocess.run([SUBJECT], env=environment(box="link"), capture_output=True, text=True)
    assert linked.returncode == 0 and "File exists" in linked.stderr and not os.path.exists(target)
    os.unlink(os.path.join(BOXES, "link"))
    limited = subprocess.run(["sh", "-c", f"ulimit -f 100; exec {SUBJECT}"], env=environment(), capture_output=True,
                             text=True)
    assert limited.returncode == 0 and "File too large" in limited.stderr, limited.stderr
    assert not os.listdir(BOXES)
    # the mode is the owner's alone
    os.umask(0)
    process = start("dumped", live_path)
    assert os.stat(box_of(process)).st_mode & 0o777 == 0o600
    kill(process)
    os.unlink(box_of(process))


def check_grown(path, progress):
    profile = good(path)
    with open(progress, "rb") as file:
        begun, done = struct.unpack("2Q", file.read(16))
    allocs = profile.total("alloc_objects", 128 * 1024)
    assert done <= allocs <= begun and done > 100, (done, allocs, begun)
    assert profile.total("inuse_objects", 128 * 1024) == allocs
    return allocs


def test_limit():
    """No memory by a resource limit: the program aborts."""
    progress = os.path.join(WORK, "progress")
    if os.path.exists(progress):
        os.unlink(progress)
    run = subprocess.run(["sh", "-c", f"echo $$; ulimit -v 500000; ulimit -c 0; exec {SUBJECT} grow {progress}"],
                         env=environment(), capture_output=True, text=True)
    assert run.returncode == -signal.SIGABRT, (run.returncode, run.stderr)
    path = os.path.join(BOXES, run.stdout.split()[0])
    print(check_grown(path, progress), "objects before the abort")
    os.unlink(path)


def make_cgroup(limit):
    """A group of our own with this limit, below the one that we are in; None where that is not allowed."""
    for line in open("/proc/self/cgroup"):
        number, controllers, path = line.strip().split(":", 2)
        if "memory" in controllers.split(","):
            parent, name = "/sys/fs/cgroup/memory" + path, "memory.limit_in_bytes"
        elif number == "0" and not controllers:
            parent, name = "/sys/fs/cgroup" + path, "memory.max"
        else:
            continue
        group = os.path.join(parent, f"heaptap-test-{os.getpid()}")
        try:
            os.mkdir(group)
        except OSError:
            continue
        try:
            with open(os.path.join(group, name), "w") as file:
                file.write(str(limit))
            return group
        except OSError:
            os.rmdir(group)
    return None


def test_cgroup():
    """Killed by the kernel, out of memory."""
    group = make_cgroup(96 << 20)
    if not group:
        print("no control group can be made here: not tested")
        return
    progress = os.path.join(WORK, "progress")
    folders = [BOXES] + (["/dev/shm"] if os.access("/dev/shm", os.W_OK) else [])
    try:
        for folder in folders:
            if os.path.exists(progress):
                os.unlink(progress)
            script = f"echo $$ >{group}/cgroup.procs && echo $$ && exec {SUBJECT} grow {progress}"
            run = subprocess.run(["sh", "-c", script], env=environment(box=f"{folder}/heaptap-test-%p"),
                                 capture_output=True, text=True)
            assert run.returncode == -signal.SIGKILL, (run.returncode, run.stderr)
            path = f"{folder}/heaptap-test-{run.stdout.split()[0]}"
            try:
                print(check_grown(path, progress), "objects before the kernel's kill, the box in", folder)
            finally:
                os.unlink(path)
    finally:
        os.rmdir(group)


def in_file_system(kind, options, *command):
    """Runs the command with the boxes in a file system of its own; None where that is not allowed."""
    script = f'mount -t {kind} -o "$0" none {BOXES} || exit 99; exec "$@"'
    env = {**environment(), "SHOWN": ""}
    preload = env.pop("LD_PRELOAD")
    run = subprocess.run(["unshare", "-rm", "sh", "-c", script, options, "env", f"LD_PRELOAD={preload}", *command],
                         env=env, capture_output=True, text=True)
    if run.returncode in (1, 99) and "unshare" in run.stderr + run.stdout or run.returncode == 99:
        return None
    return run


def test_disk():
    """Not enough room, and a file system that cannot keep any."""
    live = os.path.join(WORK, "live.pb.gz")
    if not in_file_system("tmpfs", "size=1m", "true"):
        print("no file system can be mounted here: not tested")
        return
    run = in_file_system("tmpfs", "size=900k", SUBJECT, "dump-many", live)
    assert run.returncode == 0 and run.stderr.count("\n") == 1, (run.returncode, run.stderr)
    assert "no space for the black box" in run.stderr, run.stderr
    profile = Profile(live)
    assert int(profile.comment("dropped_memory")) > 1000 and profile.total("alloc_objects") > 1000
    for kind, options, why in (("tmpfs", "size=200k", "No space left"), ("ramfs", "mode=700", "cannot keep space")):
        run = in_file_system(kind, options, SUBJECT, "dump-many", live)
        assert run.returncode == 0 and run.stderr.count("\n") == 1 and why in run.stderr, (run.returncode, run.stderr)
        assert Profile(live).comment("dropped_memory") == "0"


def main():
    os.makedirs(BOXES, exist_ok=True)
    for name in sys.argv[2:]:
        word, _, argument = name.partition("=")
        before = time.monotonic()
        globals()["test_" + word](*([int(argument)] if argument else []))
        print(f"{word}: {time.monotonic() - before:.1f} s", flush=True)


if __name__ == "__main__":
    main()
