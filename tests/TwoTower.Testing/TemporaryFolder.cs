namespace TwoTower.Testing;

/// <summary>A folder of one test, gone after it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("twotower-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
