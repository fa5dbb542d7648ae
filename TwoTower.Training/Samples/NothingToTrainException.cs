namespace TwoTower.Training.Samples;

/// <summary>
/// The tables are sound but hold nothing that a model could learn from; the message says what is missing and what to do. A scheduled
/// training exits with 3, so that it can be told from bad input (2) and failure (1).
/// </summary>
internal sealed class NothingToTrainException(string message) : Exception(message);
