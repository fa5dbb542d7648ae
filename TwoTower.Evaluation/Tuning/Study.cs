using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Evaluation.Tuning;

/// <summary>
/// The folder of a search: <c>study.json</c>, what its trials have in common; <c>trials.jsonl</c>, a line for each finished one, which is
/// on the disk before the next begins; <c>running.json</c>, how long the one that runs has; <c>best.json</c>, the best recipe so far. One
/// run at a time has it.
/// </summary>
internal sealed class Study : IDisposable
{
    private const string PlanFile = "study.json", TrialsFile = "trials.jsonl", BestFile = "best.json", RunningFile = "running.json", LockFile = ".lock";

    private readonly string _folder;
    private readonly FileStream _lock;
    private readonly List<Trial> _trials = [];

    private Study(string folder, FileStream held) => (_folder, _lock) = (folder, held);

    /// <summary>The finished trials, in their order.</summary>
    public IReadOnlyList<Trial> Trials => _trials;

    /// <summary>True where the last line had been left half-written, by a kill or a full disk, and was dropped.</summary>
    public bool DroppedHalf { get; private set; }

    /// <summary>True where another build of the program has trained the trials that were there.</summary>
    public bool IsOfAnotherBuild { get; private set; }

    /// <summary>What went into trials that earlier runs began and didn't finish.</summary>
    public TimeSpan Interrupted { get; private set; }

    /// <summary>Where the best recipe so far is, or would be.</summary>
    public string BestPath => Path.Combine(_folder, BestFile);

    /// <summary>Refuses a folder that can't be a study's, before the long work of reading rows.</summary>
    /// <exception cref="InputException">It is a file, or a folder with other things.</exception>
    public static void Check(string folder)
    {
        if (File.Exists(folder)) throw new InputException($"--study {folder} is a file: name a folder");
        if (Directory.Exists(folder) && !File.Exists(Path.Combine(folder, PlanFile))
            && Directory.EnumerateFileSystemEntries(folder).Any(path => Path.GetFileName(path) != LockFile))
        {
            throw new InputException($"--study {folder} holds other things and no {PlanFile}: name a new folder, or one that a search has made");
        }
    }

    /// <summary>Begins or continues a study.</summary>
    /// <param name="plan">What its trials have in common.</param>
    /// <exception cref="InputException">It was begun otherwise, can't be read or written, or another run has it.</exception>
    public static Study Open(string folder, StudyPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Check(folder);
        var study = new Study(folder, Lock(folder));
        try
        {
            study.Read(plan);
            return study;
        }
        catch
        {
            study.Dispose();
            throw;
        }
    }

    /// <summary>The next trial begins: its time counts, even if this run is killed, until the result is disposed of.</summary>
    /// <param name="time">The clock.</param>
    public RunningTrial Run(TimeProvider time) => new(Path.Combine(_folder, RunningFile), _trials.Count, Interrupted, time);

    /// <summary>Keeps a finished trial: it is on the disk when this returns.</summary>
    public void Add(Trial trial)
    {
        ArgumentNullException.ThrowIfNull(trial);
        using (var file = new FileStream(Path.Combine(_folder, TrialsFile), FileMode.Append, FileAccess.Write, FileShare.Read))
        {
            file.Write(Encoding.UTF8.GetBytes(trial.ToLine() + "\n"));
            file.Flush(flushToDisk: true);
        }

        _trials.Add(trial);
    }

    /// <summary>Keeps the best recipe; null: there is none, and none of before stays.</summary>
    /// <param name="json">The recipe.</param>
    public void KeepBest(string? json)
    {
        if (json is null) File.Delete(BestPath);
        else AtomicFile.Write(BestPath, stream => stream.Write(Encoding.UTF8.GetBytes(json + "\n")));
    }

    /// <summary>Lets another run have it.</summary>
    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new(
                Path.Combine(folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InputException($"--study {folder} can't be written: {e.Message} Name another folder", e);
        }
        catch (IOException e)
        {
            throw new InputException($"--study {folder} is in use by another run, or can't be written ({e.Message}): wait for it, or name another folder", e);
        }
    }

    private void Read(StudyPlan plan)
    {
        var path = Path.Combine(_folder, PlanFile);
        if (!File.Exists(path))
        {
            AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, plan.ToJson(), SnakeCaseJson.Indented));
            return;
        }

        JsonObject begun;
        try
        {
            begun = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new JsonException("it is no object");
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} is not what a search wrote ({e.Message}): name another --study", e);
        }

        IsOfAnotherBuild = !plan.Continues(begun, _folder);
        ReadTrials(Path.Combine(_folder, TrialsFile), plan);
        Interrupted = RunningTrial.ReadInterrupted(Path.Combine(_folder, RunningFile), _trials.Count);
    }

    private void ReadTrials(string path, StudyPlan plan)
    {
        if (!File.Exists(path)) return;
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        var whole = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        if (whole < bytes.Length)
        {
            file.SetLength(whole);
            DroppedHalf = true;
        }

        foreach (
            var (index, line) in Encoding.UTF8.GetString(bytes.AsSpan(0, whole)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Index())
        {
            try
            {
                var trial = JsonSerializer.Deserialize<Trial>(line, SnakeCaseJson.Checked) ?? throw new JsonException("it is null");
                if (trial.Number != index) throw new JsonException($"it has number {trial.Number}, and {index} was expected");
                if (!trial.Settings.Select(pair => pair.Key).SequenceEqual(plan.Space.Settings.Select(setting => setting.Key))) throw new JsonException("its settings aren't the space's");
                _trials.Add(trial);
            }
            catch (JsonException e)
            {
                throw new InputException($"{path}, line {index + 1} is no trial ({e.Message}): take the line and those after it out, or name another --study", e);
            }
        }
    }
}
