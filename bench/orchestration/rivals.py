"""The same load for rivals: RUNS jobs, each a real process that returns at once. One JSON line a system: wall and CPU (children included) per run.

    python rivals.py {snakemake|submitit|hydra|ray} RUNS
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path


def snakemake(runs: int, folder: Path) -> None:
    (folder / "Snakefile").write_text(
        textwrap.dedent(
            f"""
            rule all:
                input: expand("out/{{i}}", i=range({runs}))
            rule noop:
                output: "out/{{i}}"
                shell: "true > {{output}}"
            """
        )
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert len(list((folder / "out").iterdir())) == runs


def submitit(runs: int, folder: Path) -> None:
    import submitit as library

    executor = library.LocalExecutor(folder=folder)
    executor.update_parameters(timeout_min=5)
    waiting = list(range(runs))
    active = []
    # Two at a time, as the other systems have two cores.
    while waiting or active:
        while waiting and len(active) < 2:
            active.append(executor.submit(abs, waiting.pop()))
        active[0].result()
        active.pop(0)


def hydra(runs: int, folder: Path) -> None:
    (folder / "app.py").write_text(
        textwrap.dedent(
            """
            import subprocess
            import hydra

            @hydra.main(version_base=None)
            def app(configuration):
                subprocess.run(["true"], check=True)

            app()
            """
        )
    )
    command = [sys.executable, "app.py", "-m", "+i=" + ",".join(map(str, range(runs)))]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ray(runs: int, folder: Path) -> None:
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    import ray as library
    from ray import tune

    def trial(configuration):
        subprocess.run(["true"], check=True)

    library.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=str(folder / "ray"))
    space = {"i": tune.grid_search(list(range(runs)))}
    settings = tune.RunConfig(storage_path=str(folder / "results"), verbose=0)
    begin = time.perf_counter()
    tune.Tuner(trial, param_space=space, run_config=settings).fit()
    print(json.dumps({"system": "ray", "withoutStartMs": round((time.perf_counter() - begin) * 1000 / runs, 1)}), file=sys.stderr)
    library.shutdown()


def main() -> None:
    name, runs = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        {"snakemake": snakemake, "submitit": submitit, "hydra": hydra, "ray": ray}[name](runs, Path(folder))
        wall = time.perf_counter() - begin
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    line = {"system": name, "runs": runs, "wallMs": round(wall * 1000 / runs, 1), "cpuMs": round(cpu * 1000 / runs, 1)}
    print(json.dumps(line))


main()
