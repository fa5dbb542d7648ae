namespace TwoTower.Training.Tests.Loop;

/// <summary>Tests that run torch: its random state and thread count belong to the process, so they run one after another.</summary>
[CollectionDefinition(nameof(Torch), DisableParallelization = true)]
public class Torch;
