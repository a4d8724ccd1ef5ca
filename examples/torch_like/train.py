"""A training in the form of a PyTorch loop, in numpy: plain MLflow, metrics at every step.

    python examples/torch_like/train.py                        # every metric is a request that the step waits for
    STREAMGAUGE_MLFLOW=1 python examples/torch_like/train.py   # the same calls with the plugin of `streamgauge`

A network of two layers learns scikit-learn's handwritten digits. The numbers depend on the seed alone, so both ways
must show the same; the last line says how long the training took and how much of it was spent in calls of MLflow.
"""

import argparse
import time

import mlflow
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

BATCH = 64
HIDDEN = 48
MOMENTUM = 0.9


class Linear:
    """A layer with its gradients beside its parameters."""

    def __init__(self, inputs: int, outputs: int, random: np.random.Generator):
        self.parameters = {
            "weight": random.normal(0, np.sqrt(2 / inputs), (inputs, outputs)),
            "bias": np.zeros(outputs),
        }
        self.gradients = {name: np.zeros_like(p) for name, p in self.parameters.items()}

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.seen = x
        return x @ self.parameters["weight"] + self.parameters["bias"]

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        self.gradients = {"weight": self.seen.T @ gradient, "bias": gradient.sum(axis=0)}
        return gradient @ self.parameters["weight"].T


class Network:
    def __init__(self, random: np.random.Generator):
        self.layers = {"fc1": Linear(64, HIDDEN, random), "fc2": Linear(HIDDEN, 10, random)}

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.hidden = np.maximum(self.layers["fc1"].forward(x), 0)
        return self.layers["fc2"].forward(self.hidden)

    def backward(self, gradient: np.ndarray) -> None:
        self.layers["fc1"].backward(self.layers["fc2"].backward(gradient) * (self.hidden > 0))


class SGD:
    def __init__(self, network: Network, rate: float):
        self.network, self.rate = network, rate
        self.velocity = {
            (layer, name): np.zeros_like(p)
            for layer, made in network.layers.items()
            for name, p in made.parameters.items()
        }

    def step(self) -> None:
        for (layer, name), velocity in self.velocity.items():
            velocity *= MOMENTUM
            velocity -= self.rate * self.network.layers[layer].gradients[name]
            self.network.layers[layer].parameters[name] += velocity


def cross_entropy(logits: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean loss, and its gradient for the logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    probability = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    gradient = probability.copy()
    gradient[rows, y] -= 1
    return float(-np.log(probability[rows, y] + 1e-12).mean()), gradient / len(y)


class Logging:
    """MLflow's calls, and the time that the training spent in them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0

    def __call__(self, call, *arguments, **named) -> None:
        began = time.perf_counter()
        call(*arguments, **named)
        self.seconds += time.perf_counter() - began
        self.calls += 1


def train(epochs: int, rate: float, seed: int) -> str:
    """Runs the training; returns the id of its run."""
    random = np.random.default_rng(seed)
    x, y = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x / 16, y, test_size=0.25, random_state=seed)
    network = Network(random)
    optimizer = SGD(network, rate)
    log = Logging()
    began = time.perf_counter()
    with mlflow.start_run() as run:
        mlflow.log_params({"epochs": epochs, "rate": rate, "seed": seed, "hidden": HIDDEN, "batch": BATCH})
        step = 0
        for _ in range(epochs):
            order = random.permutation(len(x))
            for batch in np.array_split(order, len(x) // BATCH):
                logits = network.forward(x[batch])
                loss, gradient = cross_entropy(logits, y[batch])
                network.backward(gradient)
                optimizer.step()
                log(mlflow.log_metric, "train/loss", loss, step=step)
                log(mlflow.log_metrics, norms(network), step=step)
                step += 1
            predicted = network.forward(x_test)
            log(mlflow.log_metric, "test/loss", cross_entropy(predicted, y_test)[0], step=step)
            log(mlflow.log_metric, "test/accuracy", float((predicted.argmax(axis=1) == y_test).mean()), step=step)
        accuracy = mlflow.get_run(run.info.run_id).data.metrics["test/accuracy"]
    print(f"accuracy {accuracy:.3f} after {step} steps in {time.perf_counter() - began:.2f} s")
    print(f"{log.calls} calls of MLflow took {log.seconds:.2f} s: {1e6 * log.seconds / log.calls:.0f} us a call")
    return run.info.run_id


def norms(network: Network) -> dict[str, float]:
    """The norm of each parameter's gradient."""
    return {
        f"grad/{layer}/{name}": float(np.linalg.norm(gradient))
        for layer, made in network.layers.items()
        for name, gradient in made.gradients.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    mlflow.set_experiment("torch_like")
    print("run", train(arguments.epochs, arguments.rate, arguments.seed))
