using System.Globalization;
using System.Text.RegularExpressions;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres.Apt;

/// <summary>A suite of the archive that has pgvector, for one major version of PostgreSQL.</summary>
internal sealed partial class AptSuite : IDisposable
{
    private AptSuite(PrivateApt apt, int major, Version pgVector) => (Apt, Major, PgVector) = (apt, major, pgVector);

    public PrivateApt Apt { get; }

    public int Major { get; }

    public Version PgVector { get; }

    /// <summary>Reads a suite's package lists; or says why it is of no use.</summary>
    public static async Task<(AptSuite? Suite, string? Reason)> OpenAsync(
        string folder, AptMirror mirror, string suite, string components, CancellationToken ct)
    {
        var apt = new PrivateApt(folder, mirror, suite, components);
        try
        {
            if (await apt.UpdateAsync(ct) is { } reason)
            {
                apt.Dispose();
                return (null, reason);
            }

            var names = (await apt.NamesAsync("postgresql-", ct)).Where(static name => PackageName().IsMatch(name)).ToList();
            var best = (await apt.ShowAsync(names, ct)).Values
                .Select(static package => (
                    Major: int.Parse(PackageName().Match(package.Name).Groups[1].Value, CultureInfo.InvariantCulture),
                    PgVector: UpstreamVersion().Match(package.Version) is { Success: true } match ? Version.Parse(match.Value) : null))
                .Where(static candidate => candidate.Major >= ServerProbe.OldestMajor && candidate.PgVector is not null)
                .OrderByDescending(static candidate => candidate.PgVector)
                .ThenByDescending(static candidate => candidate.Major)
                .FirstOrDefault();
            if (best.PgVector is null)
            {
                apt.Dispose();
                return (null, "has no pgvector");
            }

            return (new AptSuite(apt, best.Major, best.PgVector), null);
        }
        catch
        {
            apt.Dispose();
            throw;
        }
    }

    /// <summary>The packages to unpack: server, pgvector, and the libraries that they need, down to the C library. Scripts,
    /// translations and the compiler behind JIT (which is switched off) stay out.</summary>
    public async Task<IReadOnlyCollection<AptPackage>> PackagesAsync(CancellationToken ct)
    {
        string[] roots = [$"postgresql-{Major}", $"postgresql-{Major}-pgvector"];
        var chosen = new Dictionary<string, AptPackage>();
        var wanted = roots.ToHashSet();
        while (wanted.Count > 0)
        {
            var shown = await Apt.ShowAsync(wanted, ct);
            var next = new HashSet<string>();
            foreach (var package in shown.Values)
            {
                chosen[package.Name] = package;
                foreach (var alternatives in package.Depends)
                {
                    // The archive has the first alternative of every library.
                    if (IsLibrary(alternatives[0]))
                    {
                        next.Add(alternatives[0]);
                    }
                }
            }

            next.ExceptWith(chosen.Keys);
            next.ExceptWith(wanted);
            wanted = next;
        }

        return roots.FirstOrDefault(root => !chosen.ContainsKey(root)) is { } missing
            ? throw new IOException($"the archive has no package {missing}")
            : chosen.Values;
    }

    public void Dispose() => Apt.Dispose();

    private static bool IsLibrary(string name) =>
        (name.StartsWith("lib", StringComparison.Ordinal) || name == "zlib1g")
        && !name.StartsWith("libllvm", StringComparison.Ordinal)
        && !name.EndsWith("-perl", StringComparison.Ordinal)
        && !name.StartsWith("libc-", StringComparison.Ordinal);

    [GeneratedRegex(@"^postgresql-(\d+)-pgvector$")]
    private static partial Regex PackageName();

    [GeneratedRegex(@"^\d+\.\d+(\.\d+)?")]
    private static partial Regex UpstreamVersion();
}
