"""A training that can be resumed: MLflow's autologging for scikit-learn, and one score an epoch.

    training.py HOLD [RUN]

goes on with RUN where it ended, or begins a run. After epoch HOLD it waits for its standard input, so that a test can
end it there.
"""

import sys

import mlflow
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

EPOCHS = 4
SAMPLES_AN_EPOCH = 25


def main(hold: int, run_id: str | None = None) -> None:
    x, x_test, y, y_test = train_test_split(*load_iris(return_X_y=True), random_state=7)
    mlflow.sklearn.autolog(log_models=False)
    with mlflow.start_run(run_id=run_id) as run:
        seen = [point.step for point in MlflowClient().get_metric_history(run.info.run_id, "accuracy")]
        for epoch in range(max(seen, default=-1) + 1, EPOCHS):
            samples = (epoch + 1) * SAMPLES_AN_EPOCH
            model = LogisticRegression(C=0.5, max_iter=500).fit(x[:samples], y[:samples])
            mlflow.log_metric("accuracy", (model.predict(x_test) == y_test).mean(), step=epoch)
            print(f"epoch {epoch} of {run.info.run_id}", flush=True)
            if epoch == hold:
                sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
