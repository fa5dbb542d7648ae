using Google.Protobuf;
using TwoTower.Core;

namespace TwoTower.Embedding.Texts;

/// <summary>What a SentencePiece model says of itself that the library doesn't show. Field numbers: sentencepiece_model.proto.</summary>
/// <param name="IsUnigram">Unigram; otherwise BPE.</param>
/// <param name="Rules">Name of its normalization: nmt_nfkc, identity.</param>
/// <param name="AddPrefix">A space before every text.</param>
internal sealed record SentencePieceModel(bool IsUnigram, string Rules, bool AddPrefix)
{
    private const int Trainer = 2, Normalizer = 3, ModelType = 3, RulesName = 1, DummyPrefix = 3;

    /// <summary>Reads a model file's bytes.</summary>
    /// <exception cref="InputException">They are no SentencePiece model, or one of whole words or characters.</exception>
    public static SentencePieceModel Parse(byte[] content, string path)
    {
        var (kind, rules, prefix, pieces) = (1UL, "nmt_nfkc", true, 0);
        try
        {
            foreach (var (field, value, part) in Fields(new(content)))
            {
                if (field == 1) pieces++;
                foreach (var inner in field is Trainer or Normalizer && part is not null ? Fields(part.CreateCodedInput()) : [])
                {
                    switch (field, inner.Field)
                    {
                        case (Trainer, ModelType):
                            kind = inner.Value;
                            break;
                        case (Normalizer, RulesName):
                            rules = inner.Part!.ToStringUtf8();
                            break;
                        case (Normalizer, DummyPrefix):
                            prefix = inner.Value != 0;
                            break;
                    }
                }
            }
        }
        catch (Exception error) when (error is InvalidProtocolBufferException or NullReferenceException)
        {
            throw new InputException($"{path} is no SentencePiece model: copy the model's own file, byte for byte", error);
        }

        if (pieces == 0) throw new InputException($"{path} is no SentencePiece model: it has no pieces; copy the model's own file");
        return kind is 1 or 2
            ? new(kind == 1, rules, prefix)
            : throw new InputException($"{path} is a SentencePiece model of whole words or characters; Unigram and BPE are known here: name another sentence model");
    }

    private static List<(int Field, ulong Value, ByteString? Part)> Fields(CodedInputStream input)
    {
        var fields = new List<(int, ulong, ByteString?)>();
        while (input.ReadTag() is var tag and not 0)
        {
            var field = WireFormat.GetTagFieldNumber(tag);
            switch (WireFormat.GetTagWireType(tag))
            {
                case WireFormat.WireType.Varint:
                    fields.Add((field, input.ReadUInt64(), null));
                    break;
                case WireFormat.WireType.LengthDelimited:
                    fields.Add((field, 0, input.ReadBytes()));
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return fields;
    }
}
