"""Which small model tells the three wines apart best? Twelve runs, cross-validated, logged with MLflow.

The best one is registered as the model `wine`, goes to production, and is loaded again from there. Plain MLflow
code: it runs against any tracking server that MLFLOW_TRACKING_URI names.
"""

import itertools
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import sklearn
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_wine
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, classification_report, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

EPOCHS = 30
FOLDS = 4
SEED = 7
MODEL = "wine"  # the name in the registry
# What the models hold beside plain arrays; MLflow wants it named before it loads them.
TRUSTED = ["sklearn.neural_network._stochastic_optimizers.AdamOptimizer", "sklearn.tree._tree.Tree"]
GRID = list(itertools.product(("network", "boosting"), (0.1, 0.01, 0.001), (4, 16)))


@dataclass
class Curve:
    """What one model reaches after every epoch, averaged over the folds."""

    train_loss: np.ndarray
    val_loss: np.ndarray
    val_accuracy: np.ndarray


def build(model: str, learning_rate: float, size: int):
    if model == "network":
        return MLPClassifier(
            (size,), learning_rate_init=learning_rate, max_iter=EPOCHS, batch_size=16, random_state=SEED
        )
    return GradientBoostingClassifier(
        learning_rate=learning_rate, max_leaf_nodes=size, n_estimators=EPOCHS, random_state=SEED
    )


def probabilities(estimator, train, target, *evaluated):
    """Trains, and yields after every epoch the class probabilities of each evaluated set."""
    if isinstance(estimator, MLPClassifier):
        for _ in range(EPOCHS):
            estimator.partial_fit(train, target, classes=np.unique(target))
            yield [estimator.predict_proba(x) for x in evaluated]
    else:
        estimator.fit(train, target)
        yield from zip(*(estimator.staged_predict_proba(x) for x in evaluated), strict=True)


def cross_validate(params, x, y) -> tuple[Curve, np.ndarray]:
    """The learning curve, and for every sample its class as the fold that had not seen it predicts."""
    scores = np.zeros((FOLDS, EPOCHS, 3))
    predicted = np.zeros_like(y)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for fold, (train, val) in enumerate(folds.split(x, y)):
        scaler = StandardScaler().fit(x[train])
        x_train, x_val = scaler.transform(x[train]), scaler.transform(x[val])
        for epoch, (p_train, p_val) in enumerate(probabilities(build(**params), x_train, y[train], x_train, x_val)):
            predicted[val] = p_val.argmax(axis=1)
            scores[fold, epoch] = (
                log_loss(y[train], p_train),
                log_loss(y[val], p_val),
                accuracy_score(y[val], predicted[val]),
            )
    return Curve(*scores.mean(axis=0).T), predicted


@dataclass
class Trained:
    """A logged model and how well it did."""

    uri: str
    params: dict
    accuracy: float
    loss: float


def train(number: int, params: dict, wine) -> Trained:
    x, y = wine.data, wine.target
    with mlflow.start_run(run_name=f"{params['model']}-{number:02d}"):
        mlflow.log_params({**params, "epochs": EPOCHS, "folds": FOLDS})
        mlflow.log_input(mlflow.data.from_numpy(x, targets=y, name="wine"), context="training")

        curve, predicted = cross_validate(params, x, y)
        for epoch in range(EPOCHS):
            mlflow.log_metric("train_loss", curve.train_loss[epoch], step=epoch)
            mlflow.log_metric("val_loss", curve.val_loss[epoch], step=epoch)
            mlflow.log_metric("val_accuracy", curve.val_accuracy[epoch], step=epoch)

        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.txt")
            report.write_text(classification_report(y, predicted, target_names=wine.target_names, zero_division=0))
            mlflow.log_artifact(str(report))

        final = make_pipeline(StandardScaler(), build(**params)).fit(x, y)
        info = mlflow.sklearn.log_model(
            final,
            name="model",
            signature=infer_signature(x, final.predict(x)),
            # Named here because working them out by itself takes MLflow seconds a model.
            pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
            skops_trusted_types=TRUSTED,
        )
        print(
            f"  run {number:2d} of {len(GRID)}: {describe(params)}: accuracy {curve.val_accuracy[-1]:.3f}", flush=True
        )
    return Trained(info.model_uri, params, float(curve.val_accuracy[-1]), float(curve.val_loss[-1]))


def promote(best: Trained, wine) -> None:
    """Registers the model, puts it in production, and asks it there for wines that it knows."""
    client = MlflowClient()
    version = mlflow.register_model(best.uri, MODEL, tags={"accuracy": f"{best.accuracy:.3f}"}).version
    client.update_model_version(MODEL, version, f"The best of {len(GRID)}: {best.params}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # MLflow prefers aliases to stages; both work
        client.transition_model_version_stage(MODEL, version, "Production", archive_existing_versions=True)
    client.set_registered_model_alias(MODEL, "champion", version)
    for uri in (f"models:/{MODEL}/Production", f"models:/{MODEL}@champion"):
        served = mlflow.pyfunc.load_model(uri)
        right = accuracy_score(wine.target, served.predict(wine.data))
        print(f"  {uri}, version {version}: {right:.1%} of the wines told right", flush=True)


def describe(params: dict) -> str:
    return f"{params['model']:8s} learning_rate {params['learning_rate']:<5g} size {params['size']:<2d}"


def main() -> int:
    # Thirty epochs are the experiment, not an accident.
    warnings.simplefilter("ignore", ConvergenceWarning)
    mlflow.set_experiment("wine")
    wine = load_wine()
    trained = [
        train(number, {"model": model, "learning_rate": learning_rate, "size": size}, wine)
        for number, (model, learning_rate, size) in enumerate(GRID, start=1)
    ]
    promote(max(trained, key=lambda t: (t.accuracy, -t.loss)), wine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
