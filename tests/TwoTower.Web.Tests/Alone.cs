namespace TwoTower.Web.Tests;

/// <summary>Tests that read what belongs to the whole process (spans, meters, threads, memory) or stop a server: they run after the others,
/// one by one.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;
