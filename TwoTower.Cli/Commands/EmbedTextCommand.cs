using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Output;
using TwoTower.Core.Formats;
using TwoTower.Embedding;
using TwoTower.Embedding.Texts;
using TwoTower.ServiceDefaults.Commands;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower embed-text</c>: vectors of the videos' titles and descriptions, made by a sentence model on this machine.</summary>
internal static class EmbedTextCommand
{
    private static readonly Option<string> Model = new("--model")
    {
        Description = "A sentence model in ONNX: a folder as Hugging Face exports it (model.onnx or onnx/model.onnx, and the tokenizer), or the .onnx file.",
        HelpName = "DIR|FILE",
        Required = true,
    };

    private static readonly Option<string?> Tokenizer = new("--tokenizer")
    {
        Description = "The model's tokenizer where it isn't beside the model: tokenizer.json, vocab.txt, vocab.json, a SentencePiece .model, or a folder with one.",
        HelpName = "FILE|DIR",
    };

    private static readonly Option<string> Name = new("--name")
    {
        Description = "Name of the vectors in two_tower.video_features.",
        HelpName = "NAME",
        DefaultValueFactory = _ => "title",
    };

    private static readonly Option<string> Columns = new("--columns")
    {
        Description = "Columns of videos that make up a text, with commas.",
        HelpName = "NAMES",
        DefaultValueFactory = _ => "title,description",
    };

    private static readonly Option<string> Prefix = new("--prefix")
    {
        Description = "Put before every text, as some models want it: 'passage: '.",
        HelpName = "TEXT",
        DefaultValueFactory = _ => "",
    };

    private static readonly Option<int?> MaxTokens =
        NumberOption.Create("--max-tokens", "Tokens of a text at most, the end of longer ones is cut off; as the model's files say when left out.", 1, 1_000_000);

    private static readonly Option<string?> PoolingOption = Pooled();
    private static readonly Option<int?> Threads = NumberOption.Create("--threads", "CPU threads; all cores when left out.", 1, 1024);
    private static readonly Option<bool> Replace = new("--replace") { Description = "Also make those vectors of the name anew that another program made." };

    public static Command Create(CommandHost host)
    {
        var command = new Verb(
            "embed-text", "Make vectors of the videos' titles and descriptions with a sentence model of yours; a recipe reads them.",
            """
            Runs an ONNX sentence model on this machine's CPU and writes a vector of length 1 for each video with a text into
            two_tower.video_features, from where a recipe that names them reads them (docs/recipes.md). Tokenizers: WordPiece (BERT),
            SentencePiece (XLM-RoBERTa, T5), byte-level BPE (RoBERTa). A second run makes only what is new or has changed; after Ctrl-C
            the same command goes on.

            Example:
              twotower embed-text --model path/to/all-MiniLM-L6-v2
              twotower train --set features.video_features=title
            """)
        { Model, Tokenizer, Name, Columns, Prefix, MaxTokens, PoolingOption, Threads, Replace, CommonOptions.Database };
        host.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(Session session)
    {
        var parse = session.Parse;
        var options = new EmbedTextOptions
        {
            Model = parse.GetValue(Model)!,
            Tokenizer = parse.GetValue(Tokenizer),
            Name = parse.GetValue(Name)!,
            Columns = parse.GetValue(Columns)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            Prefix = parse.GetValue(Prefix)!,
            MaxTokens = parse.GetValue(MaxTokens),
            Pooling = parse.GetValue(PoolingOption) is { } pooling ? Enum.Parse<Pooling>(pooling, ignoreCase: true) : null,
            Threads = parse.GetValue(Threads) ?? 0,
            Replace = parse.GetValue(Replace),
        };
        var db = await session.OpenDatabaseAsync();
        session.Kept = "the vectors made so far are kept; run the same command to go on";
        var result = await session.Terminal.StageAsync("embedding texts", "videos", progress => Task.Run(() => new EmbedTextJob(db).RunAsync(
            options, new Relay<EmbedTextProgress>(progress, step => new(step.Done, step.Total)), session.Stop)));
        foreach (var note in result.Notes) session.Terminal.Warn(note);
        session.Terminal.Result(
            new
            {
                result.Name,
                result.Dim,
                result.MaxTokens,
                pooling = result.Pooling.ToString().ToLowerInvariant(),
                result.Embedded,
                result.Unchanged,
                result.WithoutText,
                result.Cut,
                result.Unusable,
                result.Removed,
            },
            () => session.Terminal.Say(Sentence(result)));
    }

    private static string Sentence(EmbedTextResult result) =>
        $"{result.Name}: {Amounts.Count(result.Embedded)} vectors of {Amounts.Count(result.Dim)} numbers made, {Amounts.Count(result.Unchanged)} unchanged, "
        + $"{Amounts.Count(result.WithoutText)} videos without text"
        + (result.Removed > 0 ? $", {Amounts.Count(result.Removed)} vectors taken away" : "")
        + (result.Cut > 0 ? $"; {Amounts.Count(result.Cut)} texts were longer than {Amounts.Count(result.MaxTokens)} tokens and were cut" : "");

    private static Option<string?> Pooled()
    {
        var option = new Option<string?>("--pooling")
        {
            Description = "How the vectors of a text's tokens become one: their mean, the first one's (cls), or the network's own output sentence_embedding; as the model says when left out.",
            HelpName = "mean|cls|sentence",
        };
        option.AcceptOnlyFromAmong("mean", "cls", "sentence");
        return option;
    }
}
