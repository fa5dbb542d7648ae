using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Cli.Stages;
using TwoTower.Core;
using TwoTower.Postgres.Releases;
using TwoTower.ServiceDefaults.Commands;
using TwoTower.Supabase.Publishing;
using TwoTower.Supabase.Stores;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower publish</c>: a release's files for readers elsewhere, back to those before, and a watch over them.</summary>
internal static class PublishCommand
{
    public static Command Create(CommandHost host)
    {
        var place = new Argument<string>("PLACE") { Description = "supabase (Storage of the project), s3://BUCKET/PREFIX (any S3-compatible store), or a folder." };
        var release = EmbedCommand.Release("the active one");
        var bucket = new Option<string>("--bucket")
        {
            Description = "The bucket of Supabase Storage; made, private, where there is none.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "model-artifacts"
        };
        var rollback = new Option<bool>("--rollback") { Description = "Make current/ the version again that was published before." };
        var reason = ReleaseOptions.Reason();
        var watch = new Option<bool>("--watch")
        {
            Description = "Stay, and put the version before back when what is published doesn't verify, or when the live release is rolled back.",
        };
        var every = DurationOption.Create("--every", "Time between two looks of --watch, such as 30s [default: 1m].");
        var major = new Option<string?>("--major")
        {
            Description = "The folder of the readers' generation; without it, as the release's name begins (v3); with --rollback, the one that PLACE has.",
            HelpName = "vN"
        };
        var command = new Verb(
            "publish", "Put a release's files where other programs read them, go back, or watch over them.",
            """
            Writes two-tower/<major>/<version>/, then makes two-tower/<major>/current/ a copy of it within the store; manifests come last, and
            everything is read back and verified. A failure or Ctrl-C leaves current/ as it was; after a kill the next run sees to that.
            --watch publishes only what --release names, or where nothing is published yet; then it stays and looks.

            Supabase: SUPABASE_URL and SUPABASE_SECRET_KEY or SUPABASE_SERVICE_ROLE_KEY, or --key-file. S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
            AWS_REGION, and AWS_ENDPOINT_URL_S3 for stores that aren't Amazon's.

            Examples:
              twotower publish supabase
              twotower publish s3://models/prod --release v3-20260101T120000Z-0a1b2c3d
              twotower publish supabase --rollback --reason 'too few clicks'
              twotower publish supabase --watch --every 5m
            """)
        { place, release, bucket, rollback, reason, watch, every, major, SupabaseOptions.Url, SupabaseOptions.KeyFile,
            CommonOptions.Database, CommonOptions.Wait };
        host.Handle(command, async session =>
        {
            var (isRollback, isWatch) = (session.Parse.GetValue(rollback), session.Parse.GetValue(watch));
            if (isRollback && isWatch) throw new InputException("--rollback and --watch can't be together: go back first, then watch.");
            if (isRollback && session.Parse.GetValue(release) is { } one)
            {
                throw new InputException($"--rollback goes back to what was published before, and --release {one} names a release to publish: give one of them.");
            }

            var generation = session.Parse.GetValue(major);
            if (generation is { } given && !Publisher.IsMajor(given))
            {
                throw new InputException($"--major {given} is no generation such as v3.");
            }

            using var store = StoreAddress.Open(
                session.Parse.GetValue(place)!, session.Parse.GetValue(bucket)!, () =>
                    SupabaseOptions.Connect(session), Environment.GetEnvironmentVariable);
            var db = await session.OpenDatabaseAsync();
            if (isRollback)
            {
                await new Run(session, db, store, Generation(store, generation, await Publisher.MajorsAsync(store, session.Stop)))
                    .RollbackAsync(session.Parse.GetValue(reason));
                return;
            }

            var version = session.Parse.GetValue(release);
            if (version is null) version = (await new ReleaseStore(db).GetActiveAsync(session.Stop))?.ModelVersion
                ?? throw new InputException("No release is active: name the one to publish with --release, or activate one.");
            await store.PrepareAsync(session.Terminal.Say, session.Stop);
            var run = new Run(session, db, store, generation ?? await Publisher.MajorOfAsync(db, version, session.Stop));
            if (!isWatch || session.Parse.GetValue(release) is not null || await run.IsEmptyAsync()) await run.PublishAsync(version);
            if (isWatch) await run.WatchAsync(session.Parse.GetValue(every) ?? TimeSpan.FromMinutes(1));
        });
        return command;
    }

    // Which publication is gone back from is what the store has: the release that is live may be of another generation.
    private static string Generation(ArtifactStore store, string? given, IReadOnlyList<string> there) => (given, there) switch
    {
        (null, [var only]) => only,
        (null, []) => throw new InputException($"Nothing was published to {store.Name}: there is nothing to go back to."),
        (null, _) => throw new InputException($"{store.Name} has publications of {string.Join(" and ", there)}: say which to go back with --major {there[^1]}."),
        _ when there.Contains(given) => given,
        _ => throw new InputException($"Nothing of {given} was published to {store.Name}, which has {(there.Count == 0 ? "nothing" : string.Join(", ", there))}: correct --major."),
    };

    private sealed class Run(Session session, NpgsqlDataSource db, ArtifactStore store, string major)
    {
        private readonly Publisher _publisher = new(store, major, session.Time, session.Terminal.Say);
        private readonly string _place = $"{store.Place} {major}";

        public async Task<bool> IsEmptyAsync() =>
            await _publisher.CurrentAsync(session.Stop) is null && (await _publisher.HistoryAsync(session.Stop)).Count == 0;

        public async Task PublishAsync(string version)
        {
            Published published;
            await using (await PublishLock.TakeAsync(db, _place, session.Stop)) published = await ExportAsync(version, session.Stop);
            session.Terminal.Result(
                new { place = store.Name, published.ModelVersion, published.Previous, published.Changed, published.Uploaded },
                () => session.Terminal.Say(published.Changed
                    ? $"{published.ModelVersion} is published to {store.Name} ({published.Uploaded} files uploaded){(published.Previous is { } before ? $"; before it was {before}" : "")}"
                    : $"{published.ModelVersion} was published to {store.Name} already, and verifies"));
        }

        public async Task RollbackAsync(string? reason)
        {
            session.Kept = "current/ is as it was; run the same command again";
            Published back;
            await using (await PublishLock.TakeAsync(db, _place, session.Stop)) back = await _publisher.RollbackAsync(reason, session.Stop);
            session.Terminal.Result(
                new { place = store.Name, back.ModelVersion, back.Previous, back.Changed },
                () => session.Terminal.Say($"{back.ModelVersion} is published to {store.Name} again{(back.Previous is { } left ? $"; it was {left}" : "")}"));
        }

        public Task WatchAsync(TimeSpan every)
        {
            session.Kept = "what is published stays; nobody watches over it now";
            session.Terminal.Say($"watching {store.Name}; Ctrl-C ends that");
            return new PublicationWatch(db, store, _publisher, _place, ExportAsync, session.Terminal.Say).RunAsync(every, session.Time,
                session.Stop);
        }

        private async Task<Published> ExportAsync(string version, CancellationToken ct)
        {
            var kept = session.Kept;
            session.Kept = "current/ is as it was, and what was uploaded stays; run the same command to go on";

            // Publications run at the same time to other places, and from other databases.
            var own = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{_place}\n{db.ConnectionString}")))[..16];
            var folder = Path.Combine(StateHome.Path, "publishing", own, version);
            try
            {
                var manifest = await session.Terminal.StageAsync("exporting", "vectors", progress => ReleaseExport.WriteAsync(
                    db, version, folder, session.Time, SourceCommit.Of(typeof(PublishCommand).Assembly),
                        new Relay<long>(progress, vectors => new(vectors, null)), ct));
                var bytes = manifest.Files.Sum(file => file.Size);
                var published = await session.Terminal.StageAsync("publishing", "bytes", progress =>
                    _publisher.PublishAsync(folder, manifest, done => progress.Report(new(done, bytes)), ct));
                session.Kept = kept;
                return published;
            }
            finally
            {
                if (Path.GetDirectoryName(folder) is { } parent && Directory.Exists(parent)) Directory.Delete(parent, recursive: true);
            }
        }
    }
}
