"""What stands in every introduction to MLflow, run as its own process as a user would."""

import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

THREE_LINES = """\
import mlflow

with mlflow.start_run():
    mlflow.log_param("lr", 0.001)
    mlflow.log_metric("val_loss", 0.25)
"""

QUICKSTART = """\
import mlflow
from mlflow.models import infer_signature

import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, precision_score, recall_score, f1_score

# Load the Iris dataset
X, y = datasets.load_iris(return_X_y=True)

# Split the data into training and test sets
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.2, random_state=42
)

# Define the model hyperparameters
params = {
    "solver": "lbfgs",
    "max_iter": 1000,
    "random_state": 8888,
}

# Train the model
lr = LogisticRegression(**params)
lr.fit(X_train, y_train)

# Predict on the test set
y_pred = lr.predict(X_test)

# Calculate metrics
accuracy = accuracy_score(y_test, y_pred)

# Create a new MLflow Experiment
mlflow.set_experiment("MLflow Quickstart")

# Start an MLflow run
with mlflow.start_run():
    # Log the hyperparameters
    mlflow.log_params(params)

    # Log the loss metric
    mlflow.log_metric("accuracy", accuracy)

    # Infer the model signature
    signature = infer_signature(X_train, lr.predict(X_train))

    # Log the model, which inherits the parameters and metric
    model_info = mlflow.sklearn.log_model(
        sk_model=lr,
        name="iris_model",
        signature=signature,
        input_example=X_train,
    )

    # Set a tag that we can use to remind ourselves what this model was for
    mlflow.set_logged_model_tags(
        model_info.model_id, {"Training Info": "Basic LR model for iris data"}
    )

# Load the model back for predictions as a generic Python Function model
loaded_model = mlflow.pyfunc.load_model(model_info.model_uri)

predictions = loaded_model.predict(X_test)

iris_feature_names = datasets.load_iris().feature_names

result = pd.DataFrame(X_test, columns=iris_feature_names)
result["actual_class"] = y_test
result["predicted_class"] = predictions

print(result[:4])
"""


def script(text: str, folder: Path) -> str:
    (folder / "script.py").write_text(text)
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_three_lines(tmp_path: Path) -> None:
    before = {run.info.run_id for run in mlflow.search_runs(["0"], output_format="list")}
    script(THREE_LINES, tmp_path)
    (run,) = [r for r in mlflow.search_runs(["0"], output_format="list") if r.info.run_id not in before]
    assert run.data.params == {"lr": "0.001"}
    assert run.data.metrics == {"val_loss": 0.25}
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.source.name"] == "script.py"


def test_quickstart(tmp_path: Path) -> None:
    assert "predicted_class" in script(QUICKSTART, tmp_path)
    run = mlflow.search_runs(experiment_names=["MLflow Quickstart"], output_format="list")[0]
    assert run.data.params == {"solver": "lbfgs", "max_iter": "1000", "random_state": "8888"}
    assert run.data.metrics["accuracy"] == pytest.approx(1.0, abs=0.1)
    (output,) = run.outputs.model_outputs
    model = mlflow.get_logged_model(output.model_id)
    assert model.name == "iris_model"
    assert str(model.status) == "READY"
    assert model.tags["Training Info"] == "Basic LR model for iris data"
    assert model.params == run.data.params
    assert {m.key: m.value for m in model.metrics or []} == {"accuracy": run.data.metrics["accuracy"]}
