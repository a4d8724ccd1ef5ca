"""A data-parallel training in four real processes that all log to one run at every step.

A small neural network in numpy learns scikit-learn's handwritten digits. Every process (rank) holds a copy of
the weights and a quarter of the data; after every step the gradients are averaged through shared memory, so the
copies stay equal. Every rank logs what it sees under its own number with the library `streamgauge`, 250 values a
step: 4 ranks x 1,000 steps x 250 values are a million points, and rank 0 adds the averaged loss.
"""

import argparse
import itertools
import multiprocessing
import os
import sys
import time

import numpy as np
import streamgauge

RANKS = 4
LAYERS = (64, 96, 64, 32, 10)
BATCH = 32  # samples a rank sees in a step
PEAK_RATE, WARMUP_STEPS, MOMENTUM = 0.1, 50, 0.9
STEP_TIMEOUT_SECONDS = 120  # a rank that waits longer for the others gives up
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Network:
    """A fully connected network; its parameters are slices of one flat array, so that ranks can exchange them."""

    def __init__(self, seed: int):
        shapes = list(itertools.pairwise(LAYERS))
        self.flat = np.zeros(sum(i * o + o for i, o in shapes))
        self.weights, self.biases = slices(self.flat)
        random = np.random.default_rng(seed)
        for weight, (inputs, _) in zip(self.weights, shapes, strict=True):
            weight[:] = random.normal(0, np.sqrt(2 / inputs), weight.shape)

    def forward(self, x):
        activations = [x]
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = x @ weight + bias
            if layer < len(self.weights) - 1:
                x = np.maximum(x, 0)
            activations.append(x)
        return activations

    def backward(self, activations, y, gradient):
        """Writes the gradient of the mean cross-entropy; gives the loss and the accuracy."""
        weights, biases = slices(gradient)
        probability = softmax(activations[-1])
        rows = np.arange(len(y))
        loss = -np.log(probability[rows, y] + 1e-12).mean()
        accuracy = (probability.argmax(axis=1) == y).mean()
        delta = probability
        delta[rows, y] -= 1
        delta /= len(y)
        for layer in reversed(range(len(weights))):
            weights[layer][:] = activations[layer].T @ delta
            biases[layer][:] = delta.sum(axis=0)
            if layer:
                delta = (delta @ self.weights[layer].T) * (activations[layer] > 0)
        return loss, accuracy


def slices(flat):
    """The weights and biases of every layer as views of one flat array."""
    weights, biases, at = [], [], 0
    for inputs, outputs in itertools.pairwise(LAYERS):
        weights.append(flat[at : at + inputs * outputs].reshape(inputs, outputs))
        at += inputs * outputs
        biases.append(flat[at : at + outputs])
        at += outputs
    return weights, biases


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def learning_rate(step: int, steps: int) -> float:
    """A short linear warm-up, then a cosine down to nothing."""
    warm = min(1.0, (step + 1) / WARMUP_STEPS)
    return PEAK_RATE * warm * 0.5 * (1 + np.cos(np.pi * step / steps))


def statistics(name: str, array) -> dict[str, float]:
    """Twelve numbers that say how the values of an array are spread."""
    values = np.sort(array, axis=None)
    out = {
        f"{name}/mean": values.mean(),
        f"{name}/std": values.std(),
        f"{name}/min": values[0],
        f"{name}/max": values[-1],
        f"{name}/norm": np.sqrt(values @ values),
        f"{name}/mean_abs": np.abs(values).mean(),
        f"{name}/share_of_zeros": 1 - np.count_nonzero(values) / values.size,
    }
    for q in QUANTILES:
        out[f"{name}/q{round(q * 100):02d}"] = values[int(q * (values.size - 1))]
    return out


def layer_statistics(network: Network, activations, gradient) -> dict[str, float]:
    out: dict[str, float] = {}
    gradient_weights, gradient_biases = slices(gradient)
    for layer in range(len(network.weights)):
        for kind, array in (
            ("weight", network.weights[layer]),
            ("bias", network.biases[layer]),
            ("gradient", gradient_weights[layer]),
            ("bias_gradient", gradient_biases[layer]),
            ("activation", activations[layer + 1]),
        ):
            out.update(statistics(f"layer_{layer}/{kind}", array))
    return out


class Rank:
    """One process of the training."""

    def __init__(self, rank: int, run: streamgauge.Run, steps: int, memory, barrier):
        from sklearn.datasets import load_digits

        self.rank, self.run, self.steps, self.barrier = rank, run, steps, barrier
        x, y = load_digits(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(y))
        self.test = x[order[:360]] / 16, y[order[:360]]
        mine = order[360 + rank :: RANKS]
        self.x, self.y = x[mine] / 16, y[mine]
        self.random = np.random.default_rng(1000 + rank)
        self.network = Network(seed=1)  # the same on every rank
        self.velocity = np.zeros_like(self.network.flat)
        # Two slots in turn: a rank may write its next gradient while others still read the last.
        # A slot has a row a rank: the gradient, and behind it the loss.
        self.slots = np.frombuffer(memory).reshape(2, RANKS, self.network.flat.size + 1)
        self.progress = Progress(steps) if rank == 0 else None

    def train(self) -> None:
        for step in range(self.steps):
            self.run.log(self.step(step), step=step)
            if self.progress:
                self.progress.show(step + 1)

    def step(self, step: int) -> dict[str, float]:
        started = time.perf_counter()
        slot = self.slots[step % 2]
        mine = slot[self.rank]
        batch = self.random.integers(0, len(self.y), BATCH)
        activations = self.network.forward(self.x[batch])
        mine[-1], accuracy = self.network.backward(activations, self.y[batch], mine[:-1])
        computed = time.perf_counter()
        self.barrier.wait(STEP_TIMEOUT_SECONDS)
        mean = slot.mean(axis=0)
        rate = learning_rate(step, self.steps)
        self.velocity = MOMENTUM * self.velocity + mean[:-1]
        update = rate * self.velocity
        self.network.flat -= update
        finished = time.perf_counter()
        values = {
            "loss": mine[-1],
            "accuracy": accuracy,
            "gradient_norm": np.linalg.norm(mine[:-1]),
            "mean_gradient_norm": np.linalg.norm(mean[:-1]),
            "update_norm": np.linalg.norm(update),
            "weight_norm": np.linalg.norm(self.network.flat),
            "learning_rate": rate,
            "step_seconds": finished - started,
            "compute_seconds": computed - started,
            "wait_seconds": finished - computed,
            **layer_statistics(self.network, activations, mine[:-1]),
        }
        if self.rank == 0:
            values["mean_loss"] = mean[-1]
        return values

    def evaluate(self) -> float:
        """Accuracy on digits that no rank has trained on."""
        x, y = self.test
        return (self.network.forward(x)[-1].argmax(axis=1) == y).mean()


class Progress:
    """One line that renews itself on a terminal; elsewhere a line every few seconds."""

    def __init__(self, steps: int):
        self.steps, self.terminal = steps, sys.stdout.isatty()
        self.started = self.shown = time.monotonic()

    def show(self, step: int) -> None:
        now = time.monotonic()
        if step < self.steps and now - self.shown < (0.2 if self.terminal else 5):
            return
        self.shown = now
        text = f"  step {step:,} of {self.steps:,}, {step / (now - self.started):.0f} steps a second"
        end = "\n" if step == self.steps or not self.terminal else ""
        print(("\r" if self.terminal else "") + text, end=end, flush=True)


def work(rank: int, steps: int, memory, barrier) -> None:
    os.environ.update(STREAMGAUGE_RANK=str(rank), STREAMGAUGE_WORLD_SIZE=str(RANKS))  # as torchrun tells its ranks
    config = {"ranks": RANKS, "steps": steps, "layers": str(LAYERS), "batch": BATCH, "learning_rate": PEAK_RATE}
    try:
        with streamgauge.init(
            project="digits", name=f"{RANKS} ranks", config=config, tags={"dataset": "digits"}
        ) as run:  # the same run on every rank
            process = Rank(rank, run, steps, memory, barrier)
            process.train()
            if rank == 0:
                run.log({"test_accuracy": process.evaluate()}, step=steps)
    except BaseException:
        barrier.abort()  # the others must not wait for this one
        raise


def launch(steps: int) -> bool:
    """Starts the ranks, waits for them, and says whether all ended well."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(RANKS)
    memory = context.RawArray("d", 2 * RANKS * (Network(seed=1).flat.size + 1))
    ranks = [context.Process(target=work, args=(r, steps, memory, barrier)) for r in range(RANKS)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    return all(process.exitcode == 0 for process in ranks)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000, help="steps that every rank trains (1000)")
    steps = parser.parse_args().steps
    # The ranks share the cores: one thread each for numpy. They read this when they start.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    if not launch(steps):
        sys.exit("a rank failed; see above")
    return 0


if __name__ == "__main__":
    sys.exit(main())
