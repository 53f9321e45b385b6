"""The loop of training: epoch, step, validate, checkpoint, event. The same lines on every device, and on several at once.

Of several processes that train one network together each goes through these lines; only the first one writes and speaks.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from trainer import (
    checkpoints,
    config,
    criteria,
    cuts,
    dataset,
    devices,
    headline,
    idle,
    images,
    imbalance,
    intervals,
    models,
    once,
    pitfalls,
    predict,
    results,
    runs,
    unfolding,
    vectors,
)
from trainer.catalog import Catalog
from trainer.errors import Progress, RunError, counted
from trainer.learner import Learner, fastest_precision, pieces, too_small, unless_full
from trainer.outcome import Outcome, Position, number
from trainer.ranks import ALONE, Team
from trainer.solver import PRECISION, Solver

EVENT_SECONDS = 0.25
"""Batch events are written at most this often; one stands for all batches since the last."""
STATE_SECONDS = 300.0
"""Longest time of work that a crash may cost."""
_WEIGHTS = 0x1417  # keeps the random numbers of the first weights apart from others that are made from the same seed

StopAsked = Callable[[], bool]
Listener = Callable[[Mapping[str, Any]], None]
"""Is told each event as it is written."""


class Training:
    """One run being worked on."""

    def __init__(
        self,
        run: runs.Run,
        catalog: Catalog,
        *,
        team: Team = ALONE,
        progress: Progress | None = None,
        listener: Listener = lambda event: None,
    ) -> None:
        about = run.about()
        self.run = run
        self.team = team
        self._listener = listener
        self.catalog = catalog
        self.settings = config.of_run(about["config"])
        self.names = tuple(about["findings"])
        self.about = about
        self.threads = devices.prepare(self.settings.compute.threads, together=team.together, only=True)
        self.device = torch.device(devices.places(self.settings.compute.device, team.together)[team.local])
        self.parts = self._read(progress)
        self.sampler = imbalance.sampler(self.parts["train"].targets, self.settings.task.kind, self.settings.imbalance)
        self.solved = once.solved(self.settings)
        self.steps_per_epoch = 1 if self.solved else math.ceil(self.sampler.length / self.settings.compute.images_per_step)
        self.position = Position()
        self.learner = self._learner()
        self.once = self._once(progress)

    def work(self, stop: StopAsked) -> Outcome:
        self._started()
        self._last_event = self._last_state = time.monotonic()
        while not self._ended():
            if not self._epoch(stop):
                return self._stopped()
            self._validated()
        outcome = self._outcome("finished")
        self._tell(
            "finished", epoch=outcome.epochs, **{k: v for k, v in outcome.to_json().items() if k not in ("run", "status")}
        )
        return outcome

    def _ended(self) -> bool:
        """Whether all epochs are done or patience is over, by the position alone: a resumed run ends where it should."""
        patience, position = self.settings.choice.patience, self.position
        out_of_patience = bool(patience) and position.epoch - position.best_epoch >= patience
        return position.epoch >= self.settings.schedule.epochs or out_of_patience

    def _tell(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - whatever json takes
        if self.team.first:
            self.run.append(kind, **fields)
            self._listener({"kind": kind, **fields})

    def _read(self, progress: Progress | None) -> dict[str, dataset.Part]:
        """The parts of the split; several processes read what the first one has decoded."""
        expected = None if self.team.first else self.team.told()
        parts = self._parts(progress)
        seen = dataset.fingerprint(parts)
        if self.team.first:
            self.team.told(seen)
        elif seen != expected:
            raise RunError(
                "The processes of this training do not see the same images and labels",
                where=self.run.project,
                remedy="Do not change the project while a training starts; then resume it.",
            )
        return parts

    def _parts(self, progress: Progress | None) -> dict[str, dataset.Part]:
        split = self.run.split()["parts"]
        parts = {}
        for name in ("train", "validation"):
            ids = np.array(split.get(name, []), np.int64)
            for sentence in dataset.unfit(self.catalog, ids, dataset.of_task(self.settings.task, self.names), name):
                self._tell("note", text=sentence)
            parts[name] = dataset.part(self.catalog, ids, self.names, self.settings, decode=self.team.first, progress=progress)
        dataset.check(parts, self.names, self.run.project)
        for sentence in (*dataset.unreadable(parts), *dataset.unlike(self.catalog, parts)):
            self._tell("note", text=sentence)
        for sentence in pitfalls.missing(parts["train"].targets, self.settings.task.kind, self.names):
            self._tell("note", text=sentence)
        cut = cuts.told(self.catalog.shapes(parts["train"].ids), self.settings.model.fit)
        for sentence in (*self._warnings(parts["train"].targets), *cut, *idle.told(self.settings)):
            self._tell("note", text=sentence)
        for sentence in criteria.undefined(parts["validation"].targets, self.settings.choice, self.names):
            self._tell("note", text=sentence)
        return parts

    def _warnings(self, targets: NDArray[np.int8]) -> tuple[str, ...]:
        settings = self.settings
        seen = imbalance.shown(targets, settings.task.kind, settings.imbalance, settings.loss)
        return (
            pitfalls.in_words(seen, self.names, settings.task.kind),
            *pitfalls.warnings(settings, seen),
            *pitfalls.unmixed(targets, settings),
        )

    def _learner(self) -> Learner | Solver:
        """The network as it was first, or as the last state left it."""
        settings = self.settings
        devices.reseed(settings.seed, _WEIGHTS)
        model = settings.model
        classifier = models.build(
            model.backbone,
            len(self.names),
            dropout=model.dropout,
            hidden=model.hidden,
            mirrored=model.mirror == "averaged",
            features=model.features,
            head=model.head,
            task=settings.task.kind,
        )
        state = checkpoints.load_state(self.run.state) if self.run.state.exists() else None
        precision = ""
        if self.team.first:
            precision = self._begun(classifier) if state is None else state["precision"]
        precision = self.team.told(precision)
        if self.solved:
            solver = Solver(classifier, settings, device=self.device)
            if state is not None:
                self._restore(solver, state)
            self.team.spread(solver.tensors())
            return solver
        weights = None
        if settings.imbalance.method == "class-weights":
            weights = torch.from_numpy(
                imbalance.class_weights(self.parts["train"].targets, settings.task.kind, settings.imbalance)
            )
        learner = Learner(
            classifier,
            settings,
            weights=weights,
            steps_per_epoch=self.steps_per_epoch,
            device=self.device,
            precision=precision,
            team=self.team,
        )
        if state is not None:
            self._restore(learner, state)
        self.team.spread(learner.tensors())
        if self.device.type == "cuda" and not self.team.alone:
            learner.parts = self.team.most(max(learner.parts, pieces(classifier, settings, self.device, precision)))
        return learner

    def _begun(self, classifier: models.Classifier) -> str:
        """Give a new network its first weights, and settle its precision; both are then told to the other processes."""
        loaded = models.initialise(classifier, self.settings.model.weights)
        self._tell("note", text=loaded.words())
        schedule = self.settings.schedule
        learns = schedule.head_only < schedule.epochs or bool(classifier.backbone.new)
        if learns and (told := unfolding.given_back(classifier, loaded, self.parts["train"])):
            self._tell("note", text=told)
        if schedule.batch_norm == "kept" and (told := loaded.unmeasured(classifier.backbone)):
            self._tell("note", text=told)
        if self.solved:
            return PRECISION
        precision, measured = fastest_precision(classifier, self.settings, self.device)
        if measured:
            times = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in measured.items())
            self._tell("note", text=f"Precision {precision} chosen; measured per step: {times}.")
        return precision

    def _restore(self, learner: Learner | Solver, state: Mapping[str, Any]) -> None:
        if state["data"] != dataset.fingerprint(self.parts):
            self._tell("note", text="Images or labels have changed since this run began; it goes on with the new ones.")
        if state["threads"] != self.threads or state["device"] != self.device.type:
            self._tell(
                "note", text="Resumed on another device or number of threads: the weights will not be the same to the bit."
            )
        begun = max(1, self.settings.compute.devices)
        if (count := self.team.count) != begun:
            self._tell(
                "note",
                text=f"Begun on {counted(begun, 'device')}, goes on with {count}: each step still learns from the same "
                f"{self.settings.compute.images_per_step} images, now in {counted(learner.passes, 'pass', 'passes')}.",
            )
        learner.restore(state["learner"])
        values = {**state["position"], "best": tuple(state["position"]["best"]) if state["position"]["best"] else None}
        self.position = Position(**values)

    def _once(self, progress: Progress | None) -> dict[str, dataset.Part]:
        """The parts with vectors instead of squares, where that says the same with less computing; {} where not."""
        learner, counts = self.learner, {name: len(part.ids) for name, part in self.parts.items()}
        learner.thaw(self.position.epoch)
        if not (self.solved or vectors.worth(learner.classifier, self.settings, counts, self.sampler.length)):
            return {}
        told = f"Only the head learns: what {self.settings.model.backbone} says of each image is computed once, and kept."
        self._tell("note", text=told, doing="Computing what does not change")
        start = time.perf_counter()
        found = vectors.of_parts(learner.classifier, self.settings, self.parts, self.catalog, team=self.team, progress=progress)
        self.position.prepared += time.perf_counter() - start
        return found

    def _part(self, name: str) -> dataset.Part:
        """A part as the network is shown it in this epoch."""
        frozen = self.position.epoch < self.settings.schedule.head_only
        return self.once[name] if self.once and frozen else self.parts[name]

    def _started(self) -> None:
        self._tell(
            "started",
            epoch=self.position.epoch,
            step=self._step(),
            epochs=self.settings.schedule.epochs,
            steps_per_epoch=self.steps_per_epoch,
            device=str(self.device),
            device_name=devices.device_label(self.device),
            precision=self.learner.precision,
            batch=len(self.parts["train"].ids) if self.solved else self.settings.compute.batch,
            devices=self.team.count,
            images_per_step=len(self.parts["train"].ids) if self.solved else self.settings.compute.images_per_step,
            threads=self.threads,
            prepared=round(self.position.prepared, 2),
            images={name: len(part.ids) for name, part in self.parts.items()},
            images_per_epoch=self.sampler.length,
        )

    def _step(self) -> int:
        return self.position.epoch * self.steps_per_epoch + self.position.batch

    def _epoch(self, stop: StopAsked) -> bool:
        """Go through the rest of an epoch; False where the user stopped it."""
        part = self._part("train")
        if isinstance(self.learner, Solver):
            return self._solve(self.learner, part, stop)
        order = self.sampler.draw(self.settings.seed, self.position.epoch)
        pieces = np.array_split(order, self.steps_per_epoch)  # of nearly equal size: no last batch of one image
        recent = [0.0, 0.0, 0.0, 0.0]  # loss, weight, images, seconds since the last batch event
        while self.position.batch < len(pieces):
            if self.team.any(stop() or (self.team.first and self.run.stop_requested())):
                return False
            start = time.perf_counter()
            rows = pieces[self.position.batch]
            loss, weight = self._learn(self.learner, part, rows)
            seconds = time.perf_counter() - start
            self._count(loss, weight, len(rows), seconds)
            recent = [a + b for a, b in zip(recent, (loss, weight, len(rows), seconds), strict=True)]
            if time.monotonic() - self._last_event >= EVENT_SECONDS or self.position.batch == len(pieces):
                self._batch_event(recent)
                recent = [0.0] * 4
            if time.monotonic() - self._last_state >= STATE_SECONDS and self.position.batch < len(pieces):
                self._save_state()
        return True

    def _solve(self, solver: Solver, part: dataset.Part, stop: StopAsked) -> bool:
        """The only step of a head that is solved; False where the user stopped it before."""
        if self.team.any(stop() or (self.team.first and self.run.stop_requested())):
            return False
        start = time.perf_counter()
        shown = torch.from_numpy(part.cache.take(np.arange(len(part.ids))))
        cost = imbalance.costs(part.targets, self.settings.task.kind, self.settings.imbalance)
        patients = intervals.patient_codes(self.catalog.patients(part.ids))
        loss, weight = solver.solve(shown, part.targets, cost, patients)
        seconds = time.perf_counter() - start
        self._count(loss, weight, len(part.ids), seconds)
        self._batch_event([loss, weight, len(part.ids), seconds])
        held = counted(solver.held, "training image")
        self._tell("note", text=f"The network's file holds the features of {held}, its support vectors; no pixels of them.")
        return True

    def _count(self, loss: float, weight: float, shown: int, seconds: float) -> None:
        position = self.position
        position.batch += 1
        position.loss_sum += loss
        position.loss_weight += weight
        position.shown += shown
        position.seconds += seconds

    def _learn(self, learner: Learner, part: dataset.Part, rows: NDArray[np.int64]) -> tuple[float, float]:
        """One step; where memory runs out, in smaller pieces. Raises `RunError`."""
        pixels, targets, stated = part.batch(rows)
        place = {"epoch": self.position.epoch, "step": self._step()}
        while (found := unless_full(lambda: learner.step(pixels, targets, stated, **place))) is None:
            self._make_room(learner, len(rows))
        loss, weight = found
        if not math.isfinite(loss):
            raise RunError(
                "The loss is not a number any more: training has diverged",
                where=f"{self.run.folder.name}, epoch {self.position.epoch + 1}",
                remedy="Start again with a lower optimiser.lr or with compute.precision=fp32.",
            )
        return loss, weight

    def _make_room(self, learner: Learner, count: int) -> None:
        """Memory ran out in a step of `count` images: half as many at once from now on. Raises `RunError`."""
        if learner.passes >= count:
            raise too_small(self.device, self.run.folder)
        if not self.team.alone:  # the others are in the middle of the step, waiting
            raise RunError(
                f"Memory of {self.device} is too small while other programs use it",
                where=self.run.folder,
                remedy="Close them and resume, or start again with a smaller compute.batch and more compute.accumulate.",
            )
        learner.split()
        batch, parts = self.settings.compute.batch, learner.parts
        self._tell("note", text=f"{self.device} is out of memory: each batch of {batch} is now computed in {parts} pieces.")

    def _batch_event(self, recent: list[float]) -> None:
        loss, weight, shown, seconds = recent
        self._last_event = time.monotonic()
        done = self._step()
        total = self.settings.schedule.epochs * self.steps_per_epoch
        self._tell(
            "batch",
            epoch=self.position.epoch + 1,
            step=done,
            images=int(shown),
            loss=loss / weight if weight else None,
            lr=self.learner.learning_rate(done - 1),
            images_per_second=round(shown / max(seconds, 1e-9), 1),
            eta=round(self.position.seconds / max(1, done) * (total - done), 1),
        )

    def _validated(self) -> None:
        """Validate after an epoch, keep it if it is the best, and save the state."""
        position = self.position
        start = time.perf_counter()
        loss = position.loss_sum / position.loss_weight if position.loss_weight else math.nan
        prediction = self._predicted()
        figures = headline.figures(prediction, self.settings.choice)
        position.epoch, position.batch, position.loss_sum, position.loss_weight = position.epoch + 1, 0, 0.0, 0.0
        better = self._is_better(figures)
        header = self._header(figures)
        if self.team.first:
            self._keep(header, prediction if better else None)
        position.seconds += time.perf_counter() - start
        left = self.settings.schedule.epochs - position.epoch
        self._tell(
            "epoch",
            epoch=position.epoch,
            epochs=self.settings.schedule.epochs,
            step=self._step(),
            train_loss=number(loss),
            validation_loss=number(figures["loss"]),
            metrics={name: number(value) for name, value in figures.items() if name != "loss"},
            best=better,
            lr=self.learner.learning_rate(self._step() - 1),
            seconds=round(position.seconds, 2),
            eta=round(position.seconds / position.epoch * left, 1),
        )
        self._save_state()

    def _keep(self, header: checkpoints.Header, best: results.Prediction | None) -> None:
        """Write the weights; those of the best epoch also as such, with what they predicted."""
        checkpoints.save(self.run.last, self.learner.kept, header)
        if best:
            checkpoints.save(self.run.best, self.learner.kept, header)
            replace(best, weights=checkpoints.weights_digest(self.run.best)).save(self.run.predictions("validation"))

    def _predicted(self) -> results.Prediction:
        part = self._part("validation")
        return predict.on_cache(self.learner.kept, self._header({}), self.catalog, part.ids, part.cache, team=self.team)

    def _is_better(self, figures: Mapping[str, float]) -> bool:
        """Compare with the best so far by the chosen metric, then by the loss; what is not defined is never better."""
        metric = self.settings.choice.metric
        value = -figures["loss"] if metric == "loss" else figures[metric]
        key = (_or_lowest(value), _or_lowest(-figures["loss"]))
        if self.position.best is not None and key <= self.position.best:
            return False
        self.position.best = key
        self.position.best_epoch = self.position.epoch
        self.position.best_metric = figures[metric]
        return True

    def _header(self, figures: Mapping[str, float]) -> checkpoints.Header:
        model, metric = self.settings.model, self.settings.choice.metric
        return checkpoints.Header(
            backbone=model.backbone,
            findings=self.names,
            task=self.settings.task.kind,
            size=model.size,
            fit=cast("images.Fit", model.fit),
            dropout=model.dropout,
            pipeline=images.PIPELINE,
            epoch=self.position.epoch,
            metric=metric,
            value=number(figures.get(metric, math.nan)),
            frequencies=dataset.frequencies(self.parts["train"].targets, self.names),
            split_digest=self.about["split"]["digest"],
            run=self.run.name,
            recipe=self.about["recipe"],
            settings=self.about["config"],
            versions=self.about["versions"],
        )

    def _save_state(self) -> None:
        self._last_state = time.monotonic()
        if not self.team.first:
            return
        position = asdict(self.position)
        checkpoints.save_state(
            self.run.state,
            {
                "learner": self.learner.state(),
                "position": {**position, "best": list(position["best"]) if position["best"] else None},
                "precision": self.learner.precision,
                "data": dataset.fingerprint(self.parts),
                "threads": self.threads,
                "device": self.device.type,
            },
        )
        self._last_state = time.monotonic()
        self._tell("checkpoint", epoch=self.position.epoch, step=self._step())

    def _stopped(self) -> Outcome:
        self._save_state()
        if self.team.first:
            self.run.clear_stop()
        outcome = self._outcome("stopped")
        self._tell("stopped", epoch=self.position.epoch, step=self._step())
        return outcome

    def _outcome(self, status: str) -> Outcome:
        position = self.position
        return Outcome(
            run=self.run.folder,
            status=status,
            epochs=position.epoch,
            best_epoch=position.best_epoch,
            best_metric=position.best_metric,
            metric=self.settings.choice.metric,
            seconds=round(position.seconds + position.prepared, 2),
            images_per_second=round(position.shown / max(position.seconds + position.prepared, 1e-9), 1),
            device=str(self.device),
            precision=self.learner.precision,
        )


def _or_lowest(value: float) -> float:
    return value if math.isfinite(value) else -math.inf
