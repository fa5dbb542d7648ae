namespace TwoTower.Training.Loop;

/// <summary>How much repeated work a training on the CPU leaves out. Not part of a recipe: all three minimise the same loss.</summary>
public enum Shortcuts
{
    /// <summary>A dense row for each sample, autograd: the yardstick.</summary>
    None,

    /// <summary>The same arithmetic without repeats: each distinct user and item passes the first layer once, dropout stays per
    /// sample.</summary>
    Exact,

    /// <summary>As <see cref="Exact"/>, and the samples that a user (or an item) has in a batch share its dropout mask, so its whole tower.</summary>
    SharedDropout,
}
